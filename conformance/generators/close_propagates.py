"""Rule 7: close throws GeneratorExit; a return and the exit are swallowed, another error is not."""

from trace import Boom, say, step


def body(how):
    try:
        yield 1
    except GeneratorExit:
        say(f"{how}: exit")
        if how == "raise again":
            raise
        if how == "fail":
            raise Boom()
        return
    finally:
        say(f"{how}: finally")


for how in "return", "raise again", "fail":
    g = body(how)
    step("next", next, g)
    step("close", g.close)
    step("next", next, g)
