"""An exception in a timed call is logged, and the others run."""

from trace import Boom, on_logged, reactor, run, say, sleep

on_logged(lambda error: say(f"logged: {error}"))


async def body():
    def bad():
        say("raises")
        raise Boom("boom")

    reactor.callLater(0.01, bad)
    reactor.callLater(0.01, say, "another at the same time")
    await sleep(0.02)
    say("end")


run(body)
