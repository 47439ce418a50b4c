"""Rule 31: callFromThread keeps the order; what a call adds runs in the next pass; an exception is logged."""

from trace import Boom, on_logged, reactor, run, say, sleep

on_logged(lambda error: say(f"logged: {error}"))


async def body():
    def first():
        say("first")
        reactor.callFromThread(say, "added by first")

    def bad():
        say("raises")
        raise Boom("boom")

    reactor.callFromThread(first)
    reactor.callFromThread(bad)
    reactor.callFromThread(say, "third")
    say("asked")
    await sleep(0.01)
    say("end")


run(body)
