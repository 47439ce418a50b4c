"""Rule 3: a timer for now runs after what is ready, even if it was set before; one for the past goes first."""

from trace import new_loop, say

loop = new_loop()


def begin():
    loop.call_later(0, lambda: (say("timer"), loop.stop()))
    loop.call_at(loop.time() - 0.005, say, "timer for the past")
    loop.call_soon(say, "ready")


loop.call_later(0.01, begin)
loop.run_forever()
