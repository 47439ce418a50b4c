"""Rule 1: calling runs nothing; the first next runs to the first yield."""

from trace import say, step


def body():
    say("began")
    yield 1
    say("went on")
    yield 2


g = body()
say("called")
step("next", next, g)
step("send None", g.send, None)
