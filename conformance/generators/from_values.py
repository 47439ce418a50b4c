"""Rule 13: what the inner one yields passes straight to the caller; an empty one gives nothing."""

from trace import say, step


def inner(n):
    for i in range(n):
        yield i


def outer():
    yield from inner(2)
    say("between")
    say(f"empty gives {(yield from inner(0))}")
    yield from inner(1)


g = outer()
for _ in range(4):
    step("next", next, g)
