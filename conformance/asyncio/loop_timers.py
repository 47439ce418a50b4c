"""Timers run in the order of their times, whatever the order in which they were set; a timer can set another."""

from trace import new_loop, say

loop = new_loop()


def again(n):
    say(f"again {n}")
    if n < 3:
        loop.call_later(0.01, again, n + 1)


loop.call_later(0.05, lambda: (say("last"), loop.stop()))
loop.call_at(0.015, say, "at 15")
loop.call_later(0.005, say, "after 5")
stopped = loop.call_later(0.025, say, "canceled")
loop.call_later(0.024, stopped.cancel)
loop.call_later(0.01, again, 1)
loop.run_forever()
