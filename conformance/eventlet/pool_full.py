"""Rule 13: spawning in a full pool waits until there is room."""

import eventlet
from trace import say


def work(n):
    say(f"start {n}")
    eventlet.sleep(0.010 * n)
    say(f"end {n}")


pool = eventlet.GreenPool(2)
for n in 1, 2, 3:
    pool.spawn(work, n)
    say(f"spawned {n}: running {pool.running()}, free {pool.free()}")
pool.waitall()
say(f"done: running {pool.running()}, free {pool.free()}")
