"""stop ends the loop after the current batch; before the loop runs, after one. What is left runs the next time."""

from trace import new_loop, say

loop = new_loop()


def a():
    say("a")
    loop.stop()
    loop.call_soon(say, "left over")


loop.call_soon(a)
loop.call_soon(say, "b")
loop.run_forever()
say("stopped")
loop.stop()
loop.call_soon(say, "c")
loop.call_later(0.01, say, "timer")
loop.run_forever()
say("stopped again")
loop.call_later(0.02, loop.stop)
loop.run_forever()
