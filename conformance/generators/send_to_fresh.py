"""Rule 2: a value cannot be sent to a generator that has not started."""

from trace import say, step


def body():
    say("began")
    say(f"received {(yield 1)}")


g = body()
step("send 7", g.send, 7)
step("next", next, g)
step("send 8", g.send, 8)
