"""Rule 20: who waits for a semaphore gets it in turn."""

import eventlet
from eventlet.semaphore import Semaphore
from trace import say


def work(name, d):
    eventlet.sleep(d)
    with s:
        say(f"{name} has it")
        eventlet.sleep(0.010)


s = Semaphore(1)
threads = [eventlet.spawn(work, name, 0.001 * i) for i, name in enumerate("abc")]
eventlet.sleep(0.005)
say(f"balance {s.balance}")
for t in threads:
    t.wait()
say("end")
