"""Rule 16: run takes a place and gives it back when the work has ended, also if it fails."""

from trace import Boom, end, say
from twisted.internet import defer

places = defer.DeferredSemaphore(2)
work = {name: defer.Deferred() for name in "abcd"}


def begin(name):
    say(f"{name} begins")
    return work[name]


def raising():
    say("e begins")
    raise Boom("boom")


for name in "abcd":
    places.run(begin, name).addBoth(end(name))
places.run(raising).addBoth(end("e"))
say("all asked")
work["b"].errback(Boom("b failed"))
say("b is over")
work["a"].callback("a's")
say("a is over")
work["c"].callback("c's")
work["d"].callback("d's")
say(f"free: {places.tokens}")
