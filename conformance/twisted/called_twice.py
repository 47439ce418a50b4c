"""Rule 6: a second result is refused, but one is dropped after a cancel that the maker was not told of."""

from trace import Boom, attempt, end
from twisted.internet import defer

d = defer.Deferred()
attempt("first", d.callback, "one")
attempt("second", d.callback, "two")
attempt("error", d.errback, Boom("boom"))
d.addBoth(end("result"))

d = defer.Deferred()
d.addBoth(end("canceled"))
d.cancel()
attempt("after the cancel", d.callback, "late")
attempt("once more", d.callback, "too late")

d = defer.Deferred()
d.addBoth(end("failed"))
attempt("error", d.errback, Boom("boom"))
attempt("value", d.callback, "one")
