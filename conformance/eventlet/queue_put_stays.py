"""Rule 21: a put that need not wait does not switch."""

import eventlet
from eventlet.queue import Queue
from trace import say


def getter():
    for _ in range(3):
        say(f"got {q.get()}")


q = Queue()
t = eventlet.spawn(getter)
eventlet.sleep(0)
for i in range(3):
    q.put(i)
    say(f"put {i}")
t.wait()
