"""Rule 8: a generator that yields while it is closed is an error, and lives on."""

from trace import say, step


def body():
    for i in range(3):
        try:
            yield i
        except GeneratorExit:
            say("ignored")


g = body()
step("next", next, g)
step("close", g.close)
step("next", next, g)
step("next", next, g)
