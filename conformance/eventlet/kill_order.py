"""Rule 9: a kill runs the thread's cleanup at once, and the killer goes on behind what was queued."""

import eventlet
from trace import outcome, say


def victim():
    try:
        eventlet.sleep(1)
    finally:
        say("cleanup")


t = eventlet.spawn(victim)
eventlet.sleep(0)
eventlet.spawn(say, "queued")
say("before")
t.kill()
say("after")
say(f"wait: {outcome(t)}")
