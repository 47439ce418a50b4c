"""Rule 14: what is sent goes to the inner one; if that takes no values, the delegator is told."""

from trace import say, step


def inner():
    while True:
        got = yield 0
        say(f"inner received {got}")
        if got == 3:
            return


def outer():
    yield from inner()
    try:
        yield from [1, 2, 3]
    except AttributeError:
        say("outer: AttributeError")
    yield 9


g = outer()
step("next", next, g)
step("send 2", g.send, 2)
step("next", next, g)
step("send 3", g.send, 3)
step("next", next, g)
step("send 4", g.send, 4)
