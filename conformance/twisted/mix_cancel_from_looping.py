"""A LoopingCall cancels a Deferred that waits for another, in its third call, and then stops itself."""

from trace import end, reactor, run, say, show, sleep
from twisted.internet import defer, task


async def body():
    inner = defer.Deferred(lambda d: say("inner's canceller"))
    inner.addErrback(show("inner"))
    outer = defer.succeed("outer").addCallback(lambda v: inner)
    outer.addTimeout(0.1, reactor)
    outer.addBoth(end("outer"))
    calls = 0

    def call():
        nonlocal calls
        calls += 1
        say(f"call {calls}")
        if calls == 3:
            outer.cancel()
            say("canceled")
        if calls == 4:
            looping.stop()

    looping = task.LoopingCall(call)
    await looping.start(0.01).addBoth(lambda v: say("looping is over"))
    await sleep(0.2)
    say("no timeout came")


run(body)
