"""Rule 19: put_nowait on a queue of size 0 is refused, unless somebody waits."""

import eventlet
from eventlet.queue import Empty, Full, Queue
from trace import say


def attempt(what, f, *args):
    try:
        f(*args)
        say(f"{what}: done")
    except Full:
        say(f"{what}: full")
    except Empty:
        say(f"{what}: empty")


q = Queue(0)
attempt("put", q.put_nowait, 1)
attempt("get", q.get_nowait)
t = eventlet.spawn(q.get)
eventlet.sleep(0.010)
attempt("put to a getter", q.put_nowait, 2)
say(f"got {t.wait()}")
q = Queue(1)
attempt("put", q.put_nowait, 3)
attempt("put", q.put_nowait, 4)
attempt("get", q.get_nowait)
attempt("get", q.get_nowait)
