"""Mix: jobs of a pool with a time limit each; those that take too long give their place up."""

import eventlet
from eventlet import Timeout
from trace import say


def job(n):
    try:
        with Timeout(0.025):
            eventlet.sleep(0.010 * n)
            return f"job {n} done"
    except Timeout:
        return f"job {n} too slow"


pool = eventlet.GreenPool(2)
for r in pool.imap(job, [1, 4, 2, 3, 1]):
    say(r)
