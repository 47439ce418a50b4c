"""Mix: killing one of the threads in a full pool lets the next one in, after its cleanup."""

import eventlet
from trace import outcome, say


def work(name):
    try:
        say(f"{name} starts")
        eventlet.sleep(0.050)
        say(f"{name} ends")
        return name
    finally:
        say(f"{name} leaves")


pool = eventlet.GreenPool(2)
a, b = pool.spawn(work, "a"), pool.spawn(work, "b")
eventlet.spawn_after(0.010, a.kill)
c = pool.spawn(work, "c")
say("c is in")
for t in a, b, c:
    say(outcome(t))
pool.waitall()
say(f"free {pool.free()}")
