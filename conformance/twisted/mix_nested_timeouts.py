"""A timeout around inlineCallbacks cancels what runs inside, each level of which cleans up, innermost first."""

from trace import end, reactor, run, say, sleep, word
from twisted.internet import defer


@defer.inlineCallbacks
def level(n):
    try:
        if n == 3:
            yield defer.Deferred(lambda d: say("innermost is canceled"))
        else:
            v = yield level(n + 1).addTimeout(n * 0.03, reactor)
            say(f"level {n} got {v}")
    except defer.CancelledError as e:
        say(f"level {n}: {word(e)}")
        raise
    except defer.TimeoutError as e:
        say(f"level {n}: {word(e)}")
        return f"rescued by {n}"
    finally:
        say(f"level {n} cleans up")
    return f"value of {n}"


async def body():
    await level(1).addTimeout(0.2, reactor).addBoth(end("first"))
    await level(1).addTimeout(0.01, reactor).addBoth(end("second"))


run(body)
