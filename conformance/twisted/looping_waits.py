"""Rule 20: a LoopingCall waits for the Deferred that a call returns, and stops with its error."""

from trace import Boom, end, run, say, sleep, yes
from twisted.internet import defer, task


async def body():
    slow = [defer.Deferred(), defer.Deferred()]
    calls = iter(slow)

    def call():
        say("call")
        return next(calls)

    looping = task.LoopingCall(call)
    looping.start(0.01).addBoth(end("looping"))
    await sleep(0.035)
    say("first is over")
    slow[0].callback(None)
    await sleep(0.02)
    say("second fails")
    slow[1].errback(Boom("boom"))
    say(f"running: {yes(looping.running)}")


run(body)
