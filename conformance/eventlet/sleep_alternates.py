"""Rule 2: loops of sleep(0) take turns, and timers fire meanwhile."""

import eventlet
from trace import say


def loop(name):
    for i in range(3):
        say(f"{name}{i}")
        eventlet.sleep(0)


eventlet.spawn_after(0.020, say, "late")
eventlet.spawn_after(0.010, say, "early")
threads = [eventlet.spawn(loop, name) for name in "ab"]
for t in threads:
    t.wait()
say("both done")
eventlet.sleep(0.030)
say("end")
