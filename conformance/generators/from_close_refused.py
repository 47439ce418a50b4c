"""Rule 20: an inner one that yields on close is an error; its own error takes the exit's place."""

from trace import Boom, say, step


def inner(fail):
    try:
        yield 1
    except GeneratorExit:
        if fail:
            raise Boom()
        yield 2


def outer(fail):
    try:
        yield from inner(fail)
    except GeneratorExit:
        say("outer: exit")
        raise
    except Exception as e:
        say(f"outer: {type(e).__name__}")
        raise


for fail in False, True:
    g = outer(fail)
    step("next", next, g)
    step("close", g.close)
    step("next", next, g)
