"""Rule 10: a failure that nobody has handled is not logged if its Deferred lives as long as the reactor."""

from trace import Boom, on_logged, run, say, sleep
from twisted.internet import defer

on_logged(lambda error: say(f"logged: {error}"))
held = []


async def body():
    held.append(defer.fail(Boom("held")))
    await sleep(0.01)
    say("end")


run(body)
say("the loop has ended")
