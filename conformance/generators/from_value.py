"""Rule 15: the expression's value is what the inner one returned."""

from trace import say, step


def innermost():
    yield 1
    return "core"


def inner():
    return "<" + (yield from innermost()) + ">"


def outer():
    say(f"outer got {(yield from inner())}")
    return "end"


g = outer()
step("next", next, g)
step("next", next, g)
