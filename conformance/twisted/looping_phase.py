"""Rule 19: a LoopingCall that is late leaves out what it has missed, and keeps its phase."""

from trace import reactor, run, say, sleep
from twisted.internet import task


async def body():
    takes = iter([0, 0.015, 0, 0.025, 0, 0])

    def call():
        say("call")
        return task.deferLater(reactor, next(takes))

    looping = task.LoopingCall(call)
    looping.start(0.01)
    await sleep(0.075)
    looping.stop()
    say("stopped")
    await sleep(0.02)


run(body)
