"""Rule 19: withCount tells a call how many intervals have passed since the last one."""

from trace import reactor, run, say, sleep
from twisted.internet import task


class Clock:
    """The reactor's clock in whole milliseconds, whose differences floating point numbers hold exactly."""

    callLater = reactor.callLater

    def seconds(self):
        return round(reactor.seconds() * 1000) / 1000


async def body():
    takes = iter([0, 1.5, 0, 2.5, 0, 0])

    def counted(n):
        say(f"call of {n}")
        return task.deferLater(reactor, next(takes))

    looping = task.LoopingCall.withCount(counted)
    looping.clock = Clock()
    looping.start(1)
    await sleep(7.5)
    looping.stop()
    say("stopped")

    looping = task.LoopingCall.withCount(lambda n: say(f"later call of {n}"))
    looping.clock = Clock()
    looping.start(1, now=False)
    await sleep(2.5)
    looping.stop()


run(body)
