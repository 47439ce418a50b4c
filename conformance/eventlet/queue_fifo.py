"""Rule 20: items come out in the order in which they were put in."""

import eventlet
from eventlet.queue import LifoQueue, PriorityQueue, Queue
from trace import say

for kind in Queue, LifoQueue, PriorityQueue:
    q = kind()
    for v in 2, 3, 1:
        q.put(v)
    say(f"{kind.__name__}: {q.get()} {q.get()} {q.get()}")
