"""Rule 5: an error thrown is raised at the yield; if caught, the next value is the answer."""

from trace import Boom, say, step


def body():
    for i in range(3):
        try:
            yield i
            say("resumed")
        except Boom:
            say("caught Boom")


g = body()
step("next", next, g)
step("throw", g.throw, Boom())
step("next", next, g)
step("throw", g.throw, Boom())
