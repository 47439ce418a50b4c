"""Rule 21: delegators count as running; a delegation back into one is refused."""

from trace import say, step


def inner():
    step("outer from inside", next, g)
    yield 1
    try:
        yield from g
    except ValueError:
        say("inner: ValueError")
    yield 2


def outer():
    yield from inner()


g = outer()
step("next", next, g)
step("next", next, g)
step("next", next, g)
