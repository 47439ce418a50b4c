"""Rule 27: an outer timeout passes through inner ones, silent or not; a value is for its own alone."""

import eventlet
from eventlet import Timeout, with_timeout
from trace import say

try:
    with Timeout(0.010) as outer:
        with Timeout(0.050, False):
            try:
                eventlet.sleep(1)
            finally:
                say("inner ends")
        say("never")
except Timeout as t:
    say(f"outer: {t is outer}")
say(with_timeout(0.010, eventlet.sleep, 1, timeout_value="in place"))
try:
    with Timeout(0.010):
        say(with_timeout(0.050, eventlet.sleep, 1, timeout_value="never"))
except Timeout:
    say("outer again")
