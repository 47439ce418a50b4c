"""Rule 7: links run in order, in the dying thread, before waiters go on; a link on a dead one runs at once."""

import eventlet
from trace import say


def work():
    say("work")
    return 1


t = eventlet.spawn(work)
t.link(lambda g: say("link 1"))
dropped = lambda g: say("dropped")
t.link(dropped)
t.link(lambda g: say("link 2"))
t.unlink(dropped)
w = eventlet.spawn(lambda: say(f"waiter {t.wait()}"))
eventlet.sleep(0)
eventlet.sleep(0)
say("main")
t.link(lambda g: say("late link"))
say("end")
w.wait()
