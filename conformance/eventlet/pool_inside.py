"""Rule 14: a member of a full pool that spawns into it runs the function itself."""

import eventlet
from trace import say


def inner():
    say("inner")
    eventlet.sleep(0.010)
    say("inner done")
    return 7


def outer():
    say("outer")
    t = pool.spawn(inner)
    say("spawned")
    return t.wait()


pool = eventlet.GreenPool(1)
say(f"outer gave {pool.spawn(outer).wait()}")
