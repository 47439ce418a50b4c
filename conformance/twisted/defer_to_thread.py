"""deferToThread: a Deferred of what happens elsewhere, and of its error; the loop goes on meanwhile."""

import threading
from trace import Boom, end, reactor, run, say
from twisted.internet import threads


async def body():
    said = threading.Event()

    def work():
        said.wait()
        return "worked"

    def bad():
        raise Boom("boom")

    d = threads.deferToThread(work)
    say("meanwhile")
    said.set()
    await d.addBoth(end("work"))
    await threads.deferToThread(bad).addBoth(end("bad"))


reactor.suggestThreadPoolSize(1)
run(body)
