"""Rule 12: cancel acts only on a thread that has not started."""

import eventlet
from trace import outcome, say


def work():
    say("started")
    eventlet.sleep(0.010)
    return "finished"


started = eventlet.spawn(work)
eventlet.sleep(0)
fresh = eventlet.spawn(work)
started.cancel()
fresh.cancel()
say(f"fresh: {outcome(fresh)}")
say(f"started: {outcome(started)}")
later = eventlet.spawn_after(0.010, work)
later.cancel()
say(f"later: {outcome(later)}")
