"""Rule 8: a thread that is killed before it starts never runs; its links do."""

import eventlet
from trace import outcome, say

t = eventlet.spawn(say, "never")
t.link(lambda g: say("link"))
t.kill()
say("killed it")
say(f"wait: {outcome(t)}")
eventlet.sleep(0.010)
say("end")
