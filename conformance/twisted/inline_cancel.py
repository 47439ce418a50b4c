"""Rule 15: a cancel of inlineCallbacks cancels what it waits for; it may catch that and return a value."""

from trace import attempt, end, say, word
from twisted.internet import defer


@defer.inlineCallbacks
def body(d, catch):
    try:
        yield d
    except defer.CancelledError as e:
        say(f"body: {word(e)}")
        if not catch:
            raise
        return "caught"
    finally:
        say("finally")


for catch in [False, True]:
    d = defer.Deferred(lambda d: say("what it waits for is canceled"))
    result = body(d, catch)
    result.addBoth(end("result"))
    result.cancel()
    attempt("fire it", d.callback, "late")
    result.cancel()


@defer.inlineCallbacks
def outer(d):
    v = yield body(d, True)
    return f"outer of {v}"


d = defer.Deferred()
result = outer(d)
result.addBoth(end("outer"))
result.cancel()
