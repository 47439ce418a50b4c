"""Rule 11: a generator that is running cannot be resumed, and survives the attempt."""

from trace import step


def body():
    step("next from inside", next, g)
    yield 1
    step("close from inside", g.close)
    step("throw from inside", g.throw, KeyError())
    yield 2


g = body()
step("next", next, g)
step("next", next, g)
step("next", next, g)
