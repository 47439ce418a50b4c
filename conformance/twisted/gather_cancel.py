"""Rule 14: a cancel of a gather fails it with the error of the first child, and cancels the others then."""

from trace import end, say
from twisted.internet import defer


def canceled(name):
    return defer.Deferred(lambda d: say(f"{name} is canceled"))


a, b, c = canceled("a"), canceled("b"), canceled("c")
b.addErrback(lambda f: f)
g = defer.gatherResults([a, b, c], consumeErrors=True)
g.addBoth(end("gather"))
say("cancel")
g.cancel()
say("canceled")

calm = canceled("calm").addErrback(lambda f: "calmed")
other = canceled("other")
g = defer.gatherResults([calm, other], consumeErrors=True)
g.addBoth(end("gather"))
g.cancel()

a, b = canceled("a"), canceled("b")
all_of = defer.DeferredList([a, b], consumeErrors=True)
all_of.addBoth(lambda v: say("all: " + " ".join("value" if ok else "failed" for ok, _ in v)))
all_of.cancel()
