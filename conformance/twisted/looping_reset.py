"""LoopingCall.reset counts the intervals from now on; a call may stop its own LoopingCall."""

from trace import run, say, sleep
from twisted.internet import task


async def body():
    looping = task.LoopingCall(lambda: say("call"))
    looping.start(0.01)
    await sleep(0.025)
    looping.reset()
    say("reset")
    await sleep(0.025)
    looping.stop()

    count = [0]

    def once():
        count[0] += 1
        say(f"call {count[0]}")
        if count[0] == 3:
            looping.stop()

    looping = task.LoopingCall(once)
    await looping.start(0.01)
    say("over")


run(body)
