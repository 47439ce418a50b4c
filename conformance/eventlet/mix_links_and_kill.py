"""Mix: a supervisor that starts its thread again when it dies, until that was three times."""

import eventlet
from trace import Boom, say

starts = 0


def work():
    eventlet.sleep(0.010)
    if starts < 3:
        raise Boom()
    say("work done")


def start():
    global starts
    starts += 1
    say(f"start {starts}")
    t = eventlet.spawn(work)
    t.link(died)


def died(t):
    try:
        t.wait()
        say("ended well")
    except Boom:
        say("died")
        start()


start()
eventlet.sleep(0.100)
say("end")
