"""DeferredList: results in the order of the arguments, whichever come first; the first value, the first error."""

from trace import Boom, end, say, word
from twisted.internet import defer


def both(results):
    say("all: " + " ".join(v if ok else word(v) for ok, v in results))


a, b, c = (defer.Deferred() for _ in "abc")
defer.DeferredList([a, b, c], consumeErrors=True).addCallback(both)
c.callback("c")
a.callback("a")
say("one is missing")
b.errback(Boom("boom"))

a, b = defer.Deferred(), defer.Deferred()
first = defer.DeferredList([a, b], fireOnOneCallback=True)
first.addCallback(lambda v: say(f"first: {v[0]} of {v[1]}"))
b.callback("b")
a.callback("a")

a, b = defer.Deferred(), defer.Deferred()
defer.DeferredList([a, b], fireOnOneErrback=True, consumeErrors=True).addBoth(end("error"))
b.errback(Boom("boom"))
a.callback("a")

a, b = defer.Deferred(), defer.Deferred()
defer.gatherResults([a, b]).addCallback(lambda v: say("gather: " + " ".join(v)))
b.callback("b")
a.callback("a")
