"""Rule 17: an inner one that returns when thrown into resumes the delegator with its value."""

from trace import Boom, say, step


def inner():
    try:
        yield 1
    except Boom:
        return "consoled"


def outer():
    say(f"outer got {(yield from inner())}")
    yield 2


g = outer()
step("next", next, g)
step("throw", g.throw, Boom())
step("next", next, g)
