"""Rule 4: timers fire in the order of their deadlines, and one set by a timer fires in a later pass."""

import eventlet
from trace import say


def again():
    say("second")
    eventlet.spawn_after(0, say, "set by second")


for d, what in (0.030, "third"), (0.010, "first"), (0.020, None):
    if what:
        eventlet.spawn_after(d, say, what)
    else:
        eventlet.spawn_after(d, again)
eventlet.sleep(0.025)
say("main at 25")
eventlet.sleep(0.015)
say("end")
