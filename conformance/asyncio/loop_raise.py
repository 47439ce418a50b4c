"""Rule 5: a callback that raises goes to the exception handler, and does not stop the rest of its batch."""

from trace import new_loop, say

loop = new_loop()
loop.set_exception_handler(lambda loop, context: say(f"handler: {context['exception']}"))


def raises(what):
    raise ValueError(what)


loop.call_soon(say, "a")
loop.call_soon(raises, "callback")
loop.call_soon(say, "b")
loop.call_later(0.01, raises, "timer")
loop.call_later(0.02, lambda: (say("c"), loop.stop()))
loop.run_forever()
