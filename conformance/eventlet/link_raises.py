"""Rule 7: a link that raises drops the rest; the thread's result stands."""

import eventlet
from trace import Boom, outcome, say


def bad(g):
    say("bad link")
    raise Boom()


t = eventlet.spawn(lambda: 5)
t.link(lambda g: say("link 1"))
t.link(bad)
t.link(lambda g: say("never"))
eventlet.sleep(0.010)
say(f"result: {outcome(t)}")
