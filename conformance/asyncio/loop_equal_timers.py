"""Timers with equal deadlines: a heap that is not stable decides."""

from trace import new_loop, say

loop = new_loop()
for i in range(8):
    loop.call_at(0.01, say, f"timer {i}")
loop.call_later(0.02, loop.stop)
loop.run_forever()
