"""Rule 18: a put into a queue of size 0 returns when the item was taken; size 1 holds one."""

import eventlet
from eventlet.queue import Queue
from trace import say


def put(q, n):
    for i in range(n):
        say(f"put {i}")
        q.put(i)
        say(f"put {i} done")


for size, n in (0, 2), (1, 2):
    say(f"size {size}")
    q = Queue(size)
    t = eventlet.spawn(put, q, n)
    eventlet.sleep(0.010)
    for _ in range(n):
        say(f"got {q.get()}")
        eventlet.sleep(0.010)
    t.wait()
