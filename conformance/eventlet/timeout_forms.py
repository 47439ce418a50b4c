"""Rule 26: no time is for ever; False is silent, and only for its own block; an exception of one's own."""

import eventlet
from eventlet import Timeout
from trace import Boom, say

with Timeout(None):
    eventlet.sleep(0.010)
    say("no limit")
with Timeout(0.010, False):
    eventlet.sleep(1)
    say("never")
say("silent")
try:
    with Timeout(0.010, Boom):
        eventlet.sleep(1)
except Boom:
    say("Boom")
