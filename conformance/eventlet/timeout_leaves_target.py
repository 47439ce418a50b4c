"""Rule 29: a timeout on waiting for a thread ends the wait; the thread goes on."""

import eventlet
from eventlet import Timeout
from trace import say


def work():
    eventlet.sleep(0.020)
    say("work done")
    return 3


t = eventlet.spawn(work)
try:
    with Timeout(0.010):
        t.wait()
except Timeout:
    say("gave up")
say(f"result {t.wait()}")
