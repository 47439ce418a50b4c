"""Rule 18: an error of the inner one appears at the delegation, and can be caught there."""

from trace import Boom, say, step


def inner():
    yield 1
    raise Boom()


def outer():
    try:
        yield from inner()
    except Boom:
        say("outer caught Boom")
    yield 2
    yield from inner()


g = outer()
for _ in range(4):
    step("next", next, g)
step("next", next, g)
