"""Rule 17: imap takes inputs ahead of the results, but no more than its size and one."""

import eventlet
from trace import say

taken = 0


def inputs():
    global taken
    for n in range(10):
        taken += 1
        yield n


results = eventlet.GreenPool(2).imap(lambda n: n, inputs())
first = next(results)
eventlet.sleep(0.010)
say(f"first {first}, taken {'at most 4' if taken <= 4 else taken}")
say(f"rest {list(results)}, taken {taken}".replace(",", ""))
