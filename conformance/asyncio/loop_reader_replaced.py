"""Rule 7: a reader that has fired and has not run does not run once it is removed or replaced."""

import socket
from trace import new_loop, say

loop = new_loop()
ours, theirs = socket.socketpair()
theirs.send(b"x")


def replace():
    say("replace")
    loop.add_reader(ours, lambda: say("second"))
    loop.call_soon(remove)


def remove():
    say("remove")
    loop.remove_reader(ours)
    loop.call_later(0.01, lambda: (say("end"), loop.stop()))


# The first turn finds the socket readable; what is ready already runs before its reader.
loop.call_soon(replace)
loop.add_reader(ours, lambda: say("first"))
loop.run_forever()
