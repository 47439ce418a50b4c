"""Mix: two producers and two consumers on a bounded queue; None ends a consumer."""

import eventlet
from eventlet.queue import Queue
from trace import say


def produce(name, n, d):
    for i in range(n):
        eventlet.sleep(d)
        q.put(f"{name}{i}")
    say(f"{name} has made all")


def consume(d):
    count = 0
    while True:
        item = q.get()
        if item is None:
            return count
        eventlet.sleep(d)
        say(f"did {item}")
        count += 1


q = Queue(2)
makers = [eventlet.spawn(produce, "x", 3, 0.007), eventlet.spawn(produce, "y", 2, 0.011)]
takers = [eventlet.spawn(consume, 0.0171) for _ in range(2)]
for m in makers:
    m.wait()
for _ in takers:
    q.put(None)
say(f"in all {sum(t.wait() for t in takers)}")
