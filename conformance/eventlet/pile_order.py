"""Rule 17: a pile gives results in the order of the spawns, whichever ends first."""

import eventlet
from trace import say


def work(n):
    eventlet.sleep(0.010 * n)
    say(f"ends {n}")
    return n


pile = eventlet.GreenPile(eventlet.GreenPool(3))
for n in 3, 1, 2:
    pile.spawn(work, n)
for r in pile:
    say(f"result {r}")
say("end")
