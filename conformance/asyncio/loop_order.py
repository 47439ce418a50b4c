"""Rules 2 and 6: what is ready runs first, then sockets, then due timers, and nothing waits meanwhile."""

import socket
from trace import new_loop, say

loop = new_loop()
ours, theirs = socket.socketpair()


def readable():
    say(f"socket: {ours.recv(1).decode()}")
    loop.stop()


def begin():
    theirs.send(b"x")
    loop.call_later(0, say, "timer")
    loop.call_later(1, say, "never")
    loop.call_soon(say, "ready")


loop.add_reader(ours, readable)
loop.call_soon(begin)
loop.run_forever()
