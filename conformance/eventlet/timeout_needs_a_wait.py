"""Rule 28: a timeout strikes only where the code waits; one of 0 comes before a sleep of 0 ends."""

import eventlet
from eventlet import Timeout
from trace import say

with Timeout(0, False):
    say(f"sum {sum(range(100))}")
say("finished")
with Timeout(0, False):
    eventlet.sleep(0)
    say("never")
say("struck")
