"""Rule 1: what is spawned does not run within the call."""

import eventlet
from trace import say

thread = eventlet.spawn(say, "spawned")
say("statement")
thread.wait()
say("waited")
