"""Rule 5: an uncaught exception ends its thread only, and is the waiter's."""

import eventlet
from trace import Boom, outcome, say


def bad():
    say("bad")
    raise Boom()


def good():
    eventlet.sleep(0.010)
    say("good goes on")
    return "fine"


b, g = eventlet.spawn(bad), eventlet.spawn(good)
say(f"bad: {outcome(b)}")
say(f"good: {outcome(g)}")
