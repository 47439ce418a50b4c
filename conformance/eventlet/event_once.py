"""Rule 23: an event is sent once; all who wait get it; one that was not sent cannot be reset."""

import eventlet
from eventlet.event import Event
from trace import Boom, say

e = Event()
got = [eventlet.spawn(e.wait) for _ in range(3)]
eventlet.sleep(0)
try:
    e.reset()
except AssertionError:
    say("reset: refused")
e.send(5)
try:
    e.send(6)
except AssertionError:
    say("second send: refused")
say(f"got {[g.wait() for g in got]}".replace(",", ""))
e.reset()
say(f"ready {e.ready()}")
e.send_exception(Boom())
try:
    e.wait()
except Boom:
    say("Boom")
