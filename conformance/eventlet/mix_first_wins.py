"""Mix: the first of three answers wins, by an event, and the others are killed."""

import eventlet
from eventlet.event import Event
from trace import outcome, say


def ask(name, d):
    eventlet.sleep(d)
    say(f"{name} answers")
    if not answer.ready():
        answer.send(name)


answer = Event()
threads = [eventlet.spawn(ask, n, d) for n, d in (("a", 0.030), ("b", 0.010), ("c", 0.020))]
say(f"first: {answer.wait()}")
for t in threads:
    t.kill()
eventlet.sleep(0.050)
say(" ".join(str(outcome(t)) for t in threads))
