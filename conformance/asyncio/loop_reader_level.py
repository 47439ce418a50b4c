"""Rules 1 and 2: a reader runs once an iteration for as long as there is something to read."""

import socket
from trace import new_loop, say

loop = new_loop()
ours, theirs = socket.socketpair()
ours.setblocking(False)


def readable():
    try:
        data = ours.recv(1)
    except BlockingIOError:
        return say("nothing to read")
    say(f"read {data.decode() or 'the end'}")
    if not data:
        loop.remove_reader(ours)
        loop.call_later(0.01, lambda: (say("stop"), loop.stop()))


loop.add_reader(ours, readable)
loop.call_soon(theirs.send, b"abc")
loop.call_later(0.01, theirs.send, b"d")
loop.call_later(0.02, theirs.close)
loop.run_forever()
