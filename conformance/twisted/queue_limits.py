"""DeferredQueue: first come, first served; its size and the number of those who wait are limited."""

from trace import end, say
from twisted.internet import defer


def put(value):
    try:
        queue.put(value)
        say(f"put {value}")
    except defer.QueueOverflow:
        say(f"put {value}: full")


def get(name):
    try:
        d = queue.get()
    except defer.QueueUnderflow:
        say(f"{name}: failed: too many wait")
        return None
    return d.addBoth(end(name))


queue = defer.DeferredQueue(size=2, backlog=2)
for value in ["one", "two", "three"]:
    put(value)
get("a")
get("b")
c = get("c")
get("d")
get("e")
put("four")
put("five")
f = get("f")
get("g")
f.cancel()
put("six")
