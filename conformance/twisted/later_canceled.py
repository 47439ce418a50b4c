"""deferLater: the result of a function, later; a cancel keeps it from being called."""

from trace import Boom, end, reactor, run, say, sleep
from twisted.internet import task


def work(name):
    say(f"{name} is called")
    return f"{name}'s result"


def bad():
    raise Boom("boom")


async def body():
    task.deferLater(reactor, 0.01, work, "a").addBoth(end("a"))
    b = task.deferLater(reactor, 0.01, work, "b").addBoth(end("b"))
    task.deferLater(reactor, 0.01, bad).addBoth(end("c"))
    b.cancel()
    await sleep(0.02)
    say("end")


run(body)
