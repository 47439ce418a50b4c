"""A delay of less than 0 is a time in the past, which is before now."""

from trace import new_loop, say

loop = new_loop()
loop.call_later(0, lambda: (say("timer"), loop.stop()))
loop.call_later(-1, say, "negative timer")
loop.run_forever()
