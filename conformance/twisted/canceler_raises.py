"""Rule 8: an exception of the canceller comes out of cancel, and the Deferred is as it was."""

from trace import Boom, attempt, end, say, yes
from twisted.internet import defer


def bad(d):
    say("canceller raises")
    raise Boom("boom")


d = defer.Deferred(bad)
d.addBoth(end("result"))
attempt("cancel", d.cancel)
say(f"called: {yes(d.called)}")
attempt("again", d.cancel)
attempt("callback", d.callback, "after all")
attempt("callback", d.callback, "twice")
