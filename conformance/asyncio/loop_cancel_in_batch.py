"""Rule 4: a callback that an earlier one of its batch cancels does not run."""

from trace import new_loop, say

loop = new_loop()
handles = []


def a():
    say("a")
    for handle in handles:
        handle.cancel()


loop.call_soon(a)
handles.append(loop.call_soon(say, "canceled callback"))
handles.append(loop.call_later(0.01, say, "canceled timer"))
loop.call_soon(say, "b")
loop.call_later(0.02, lambda: (say("c"), loop.stop()))
loop.run_forever()
