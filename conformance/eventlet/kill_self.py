"""Rule 11: a thread that kills itself ends there, after its cleanup."""

import eventlet
from trace import outcome, say


def victim():
    try:
        say("kills itself")
        eventlet.getcurrent().kill()
        say("never")
    finally:
        say("cleanup")


say(f"wait: {outcome(eventlet.spawn(victim))}")
