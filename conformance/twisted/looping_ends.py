"""Rule 20: stop fires what start has returned, an exception fails it; to start or stop twice is refused."""

from trace import Boom, attempt, end, run, say, sleep, yes
from twisted.internet import task


async def body():
    looping = task.LoopingCall(lambda: say("call"))
    over = looping.start(0.01, now=False)
    over.addCallback(lambda v: say(f"over, running: {yes(looping.running)}"))
    attempt("start again", looping.start, 0.01)
    await sleep(0.025)
    looping.stop()
    say("stopped")
    attempt("stop again", looping.stop)
    await sleep(0.02)

    calls = iter(["one", "two"])

    def call():
        name = next(calls, None)
        if name is None:
            raise Boom("boom")
        say(name)

    looping = task.LoopingCall(call)
    looping.start(0.01).addBoth(end("looping"))
    await sleep(0.04)
    say(f"running: {yes(looping.running)}")


run(body)
