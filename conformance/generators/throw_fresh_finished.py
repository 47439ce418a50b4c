"""Rule 6: an error thrown into a generator that has not started, or has ended, comes straight back."""

from trace import Boom, say, step


def body():
    say("began")
    yield 1


g = body()
step("throw fresh", g.throw, Boom())
step("next", next, g)
g = body()
step("next", next, g)
step("next", next, g)
step("throw finished", g.throw, Boom())
step("next", next, g)
