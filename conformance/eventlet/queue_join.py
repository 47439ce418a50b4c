"""Rule 22: join waits until all that was put was also done."""

import eventlet
from eventlet.queue import Queue
from trace import say


def worker():
    while True:
        n = q.get()
        eventlet.sleep(0.010)
        say(f"did {n}")
        q.task_done()


q = Queue()
t = eventlet.spawn(worker)
for n in range(3):
    q.put(n)
q.join()
say("joined")
t.kill()
