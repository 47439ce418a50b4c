"""Rule 25: a handler of errors in general does not catch a timeout or a kill."""

import eventlet
from eventlet import Timeout
from trace import outcome, say


def stubborn():
    while True:
        try:
            eventlet.sleep(1)
        except Exception:
            say("never")


try:
    with Timeout(0.010):
        stubborn()
except Timeout:
    say("timeout")
t = eventlet.spawn(stubborn)
eventlet.sleep(0.010)
t.kill()
say(f"wait: {outcome(t)}")
