"""Rule 17: a callLater(0) made by a timed call runs in the next iteration, behind what is due in this one."""

from trace import reactor, run, say, sleep


async def body():
    def first():
        say("first")
        reactor.callLater(0, third)

    def third():
        say("set by first")
        reactor.callLater(0, say, "set by that")

    reactor.callLater(0.01, first)
    reactor.callLater(0.01, say, "second")
    await sleep(0.02)


run(body)
