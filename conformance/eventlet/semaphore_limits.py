"""Rule 24: who waits for a semaphore may give up; a bounded one is not released too often."""

import eventlet
from eventlet.semaphore import BoundedSemaphore, Semaphore
from trace import say

s = Semaphore(1)
s.acquire()
say(f"acquired: {s.acquire(timeout=0.010)}")
say(f"at once: {s.acquire(blocking=False)}")
s.release()
s.release()
say(f"grown to {s.balance}")
b = BoundedSemaphore(1)
try:
    b.release()
except ValueError:
    say("bounded: refused")
