"""pause is counted and holds callbacks back; chainDeferred passes a result on to another Deferred."""

from trace import Boom, end, say, show
from twisted.internet import defer

d = defer.Deferred()
d.addBoth(show("first"))
d.pause()
d.pause()
d.callback("value")
say("fired")
d.unpause()
say("unpaused once")
d.unpause()
say("unpaused twice")

for fire in ["value", "error"]:
    a, b = defer.Deferred(), defer.Deferred()
    a.chainDeferred(b)
    b.addBoth(end("b"))
    if fire == "value":
        a.callback("a's")
    else:
        a.errback(Boom("boom"))
    a.addBoth(end("a"))
