"""Rule 19: close goes to the inner one first, then to the delegator, even if the inner one swallows it."""

from trace import say, step


def inner(swallow):
    try:
        yield 1
    except GeneratorExit:
        say("inner: exit")
        if not swallow:
            raise
    finally:
        say("inner: finally")


def outer(swallow):
    try:
        yield from inner(swallow)
        say("outer went on")
    except GeneratorExit:
        say("outer: exit")
        raise
    finally:
        say("outer: finally")


for swallow in False, True:
    g = outer(swallow)
    step("next", next, g)
    step("close", g.close)
g = outer(True)
step("next", next, g)
step("throw exit", g.throw, GeneratorExit())
