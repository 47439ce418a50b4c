"""Rule 4: what a generator returns comes with the stop, once."""

from trace import step


def body():
    yield 1
    return "result"


g = body()
step("next", next, g)
step("next", next, g)
step("next", next, g)
step("send 1", g.send, 1)
