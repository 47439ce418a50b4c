"""Rule 10: a cleanup may wait; the killer does not wait for it."""

import eventlet
from trace import outcome, say


def victim():
    try:
        eventlet.sleep(1)
    finally:
        eventlet.sleep(0.010)
        say("cleaned up")


t = eventlet.spawn(victim)
eventlet.sleep(0.005)
t.kill()
say(f"dead: {t.dead}")
say(f"wait: {outcome(t)}")
say(f"dead: {t.dead}")
