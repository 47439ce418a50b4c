"""Rule 3: what a thread spawns runs in the next pass, behind its siblings."""

import eventlet
from trace import say


def parent():
    say("parent")
    eventlet.spawn(say, "child")


eventlet.spawn(parent)
eventlet.spawn(say, "sibling")
eventlet.sleep(0)
say("main")
eventlet.sleep(0)
