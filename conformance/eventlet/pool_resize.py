"""Rule 16: a smaller size lets those that run go on; a larger one lets waiters in."""

import eventlet
from trace import say


def work(n):
    say(f"start {n}")
    eventlet.sleep(0.010 * n)
    say(f"end {n}")


pool = eventlet.GreenPool(2)
pool.spawn(work, 1)
pool.spawn(work, 2)
eventlet.sleep(0)
pool.resize(1)
say(f"free {pool.free()}")
eventlet.spawn_after(0.012, pool.resize, 2)
pool.spawn(work, 3)
say("spawned 3")
pool.waitall()
