"""Rule 11: who waits for a killed thread gets the error of the kill; a dead one keeps its result."""

import eventlet
from trace import Boom, outcome, say

t = eventlet.spawn(eventlet.sleep, 1)
eventlet.sleep(0.005)
t.kill(Boom())
say(f"killed: {outcome(t)}")
done = eventlet.spawn(lambda: "result")
eventlet.sleep(0)
done.kill()
say(f"finished: {outcome(done)}")
