"""Rule 22: who waits in a queue may give up; one task_done too many is refused."""

import eventlet
from eventlet.queue import Empty, Full, Queue
from trace import say

q = Queue(1)
try:
    q.get(timeout=0.010)
except Empty:
    say("no item")
q.put("x")
try:
    q.put("y", timeout=0.010)
except Full:
    say("no room")
say(f"got {q.get()}")
q.task_done()
try:
    q.task_done()
except ValueError:
    say("task_done: refused")
q.join()
say("joined")
