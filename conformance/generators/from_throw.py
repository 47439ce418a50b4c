"""Rule 16: an error goes to the inner one if it can be thrown into, or else to the delegator."""

from trace import Boom, say, step


def inner():
    try:
        yield 1
    except Boom:
        say("inner caught Boom")
        yield 2


def outer():
    yield from inner()
    try:
        yield from [3, 4]
    except Boom:
        say("outer caught Boom")
    yield 5


g = outer()
step("next", next, g)
step("throw", g.throw, Boom())
step("next", next, g)
step("throw", g.throw, Boom())
