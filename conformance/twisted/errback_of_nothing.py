"""Rule 9: errback without an error is refused, and leaves the Deferred as it was."""

from trace import Boom, attempt, end, say, yes
from twisted.internet import defer

d = defer.Deferred()
d.addBoth(end("result"))
attempt("errback of nothing", d.errback)
say(f"called: {yes(d.called)}")
attempt("errback", d.errback, Boom("boom"))
