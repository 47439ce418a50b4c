"""Rule 10: a StopIteration that escapes from a body is an error that names it as its cause."""

from trace import say, step


def body():
    yield next(iter([5]))
    yield next(iter([]))


g = body()
step("next", next, g)
try:
    next(g)
except RuntimeError as e:
    say(f"failed, cause is a stop: {isinstance(e.__cause__, StopIteration)}")
step("next", next, g)
