"""Rule 13: a list leaves an error on its Deferred unless it is told to consume it; values always stay."""

from trace import Boom, end, say
from twisted.internet import defer

for consume in [False, True]:
    a, b = defer.Deferred(), defer.Deferred()
    defer.DeferredList([a, b], consumeErrors=consume).addCallback(lambda v: say("all fired"))
    a.errback(Boom("boom"))
    b.callback("value")
    a.addBoth(end("a"))
    b.addBoth(end("b"))
