"""Rule 19, with a coroutine: calls that take long shift no other, and those that would have come meanwhile are left out."""

from trace import Boom, end, run, say, sleep
from twisted.internet import defer, task


async def body():
    takes = iter([1, 15, 10, 25, 1])

    async def call():
        ms = next(takes, None)
        if ms is None:
            say("no more")
            raise Boom("boom")
        say(f"takes {ms} ms")
        await sleep(ms / 1000)

    looping = task.LoopingCall(lambda: defer.ensureDeferred(call()))
    await looping.start(0.01).addBoth(end("end"))


run(body)
