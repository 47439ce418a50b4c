"""Rules 6 and 7: what cancel does without a canceller, with one, and with one that fires the Deferred itself."""

from trace import Boom, attempt, end, say
from twisted.internet import defer


def silent(d):
    say("canceller is told")


def firing(d):
    say("canceller fires")
    d.callback("from the canceller")


def failing(d):
    say("canceller fails it")
    d.errback(Boom("given up"))


for name, canceller in [("none", None), ("silent", silent), ("firing", firing), ("failing", failing)]:
    for after in ["callback", "errback", "cancel"]:
        say(f"{name}, {after}")
        d = defer.Deferred(canceller)
        d.addBoth(end("result"))
        d.cancel()
        if after == "callback":
            attempt(after, d.callback, "late")
        elif after == "errback":
            attempt(after, d.errback, Boom("late"))
        else:
            attempt(after, d.cancel)
            attempt("callback", d.callback, "late")
