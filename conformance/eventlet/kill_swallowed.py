"""Rule 10: a body may swallow the exception and live on."""

import eventlet
from eventlet import greenlet
from trace import outcome, say


def victim():
    try:
        eventlet.sleep(1)
    except greenlet.GreenletExit:
        say("swallowed")
    eventlet.sleep(0.010)
    say("lives on")
    return "alive"


t = eventlet.spawn(victim)
eventlet.sleep(0.005)
t.kill()
say(f"wait: {outcome(t)}")
