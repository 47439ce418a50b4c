"""Rule 15: in a pool of size 0 nothing starts."""

import eventlet
from trace import say

pool = eventlet.GreenPool(0)
with eventlet.Timeout(0.010, False):
    pool.spawn(say, "never")
    say("never either")
say("gave up")
