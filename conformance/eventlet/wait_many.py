"""Rule 6: many may wait for a thread, again and again, and all get the same."""

import eventlet
from trace import Boom, outcome, say


def work(fail):
    eventlet.sleep(0.010)
    if fail:
        raise Boom()
    return 7


for fail in False, True:
    t = eventlet.spawn(work, fail)
    others = [eventlet.spawn(outcome, t) for _ in range(2)]
    say(f"main: {outcome(t)}")
    say(f"main again: {outcome(t)}")
    say(f"others: {[o.wait() for o in others]}".replace("'", ""))
