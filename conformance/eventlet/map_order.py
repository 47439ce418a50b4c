"""Rule 17: imap gives results in the order of the inputs, an error in its place, and goes on."""

import eventlet
from trace import Boom, say


def work(n):
    eventlet.sleep(0.010 * n)
    if n == 2:
        raise Boom()
    return n * n


results = eventlet.GreenPool(3).imap(work, [3, 1, 2, 4])
while True:
    try:
        say(f"result {next(results)}")
    except Boom:
        say("result Boom")
    except StopIteration:
        break
say("end")
