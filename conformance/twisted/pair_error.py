"""Rule 2: the error of a callback goes to the next pair, never to the errback beside it."""

from trace import Boom, end, say, show
from twisted.internet import defer


def boom(v):
    say("callback raises")
    raise Boom("boom")


def own(f):
    say("own errback")
    return "wrong"


def recover(f):
    say(f"next errback: {f.value}")
    return "recovered"


def passed(v):
    say("callback beside the next errback")
    return v


d = defer.succeed("one")
d.addCallbacks(boom, own)
d.addCallbacks(passed, recover)
d.addCallback(lambda v: v + " again")
d.addErrback(own)
d.addBoth(show("end"))
d.addCallback(boom).addCallback(passed).addErrback(recover).addBoth(end("end"))
