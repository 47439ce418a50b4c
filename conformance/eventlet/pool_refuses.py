"""Rule 15: a member cannot wait for its pool, and a size is not negative."""

import eventlet
from trace import say


def member():
    try:
        pool.waitall()
    except AssertionError:
        say("waiting inside: refused")


pool = eventlet.GreenPool(1)
pool.spawn(member)
pool.waitall()
try:
    eventlet.GreenPool(-1)
except ValueError:
    say("size -1: refused")
