"""Rule 15: inlineCallbacks runs at once to its first wait for what has not fired, and goes on within callback."""

from trace import Boom, end, say
from twisted.internet import defer


@defer.inlineCallbacks
def body(d):
    say("begins")
    v = yield defer.succeed("fired")
    say(f"got {v}")
    v = yield d
    say(f"got {v}")
    try:
        yield defer.fail(Boom("boom"))
    except Boom as e:
        say(f"caught {e}")
    return "result"


d = defer.Deferred()
result = body(d)
say("called")
result.addBoth(end("result"))
d.callback("late")
say("fired")
d.addBoth(end("what was waited for"))


@defer.inlineCallbacks
def failing():
    yield defer.succeed(None)
    raise Boom("from the body")


failing().addBoth(end("failing"))
