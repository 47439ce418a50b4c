"""Rule 9: closing one that has not started, or has ended, does nothing."""

from trace import say, step


def body():
    say("began")
    yield 1


g = body()
step("close fresh", g.close)
step("next", next, g)
g = body()
step("next", next, g)
step("next", next, g)
step("close finished", g.close)
step("close again", g.close)
