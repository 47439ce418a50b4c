"""Rule 3: what is sent is the value of the pending yield."""

from trace import say, step


def body():
    total = 0
    while True:
        total += yield total


g = body()
step("next", next, g)
step("send 5", g.send, 5)
step("send 6", g.send, 6)
step("send -1", g.send, -1)
