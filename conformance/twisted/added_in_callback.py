"""Rule 4: a callback added by a running callback runs after it, behind those that are there already."""

from trace import end, say
from twisted.internet import defer

d = defer.Deferred()


def first(v):
    say(f"first begins: {v}")
    d.addCallback(third)
    say("first ends")
    return v + "1"


def second(v):
    say(f"second: {v}")
    d.addCallback(fourth)
    return v + "2"


def third(v):
    say(f"third: {v}")
    return v + "3"


def fourth(v):
    say(f"fourth: {v}")
    return v + "4"


d.addCallback(first)
d.addCallback(second)
d.callback("v")
d.addBoth(end("result"))
