"""Rule 11: a timeout covers the callbacks added before it; only a cancel that it has made is a TimeoutError."""

from trace import Boom, end, reactor, run, say, show, sleep
from twisted.internet import defer


async def body():
    d = defer.Deferred()
    d.addBoth(show("before"))
    d.addTimeout(0.01, reactor)
    d.addBoth(end("after"))
    await sleep(0.02)

    d = defer.Deferred(lambda d: d.callback("canceller's"))
    d.addTimeout(0.01, reactor)
    d.addBoth(end("canceller's value"))
    await sleep(0.02)

    d = defer.Deferred(lambda d: d.errback(Boom("boom")))
    d.addTimeout(0.01, reactor)
    d.addBoth(end("canceller's error"))
    await sleep(0.02)

    d = defer.Deferred()
    d.addTimeout(0.01, reactor)
    d.addBoth(end("canceled by hand"))
    d.cancel()
    await sleep(0.02)

    d, slow = defer.Deferred(), defer.Deferred()
    d.addTimeout(0.01, reactor)
    d.addCallback(lambda v: slow)
    d.addBoth(end("slow callback behind it"))
    d.callback("in time")
    await sleep(0.02)
    slow.callback("slow")

    d, slow = defer.Deferred(), defer.Deferred()
    d.addCallback(lambda v: slow)
    d.addTimeout(0.01, reactor)
    d.addBoth(end("slow callback before it"))
    d.callback("in time")
    await sleep(0.02)
    say("over")


run(body)
