"""Rule 1: a callback added during an iteration runs in the next one."""

from trace import new_loop, say

loop = new_loop()


def a():
    say("a")
    loop.call_soon(lambda: (say("added by a"), loop.stop()))


loop.call_soon(a)
loop.call_soon(lambda: say("b"))
loop.run_forever()
say("stopped")
