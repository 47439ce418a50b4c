"""Rule 30: a second reader of a socket is refused; a reader and a writer are not in each other's way."""

import eventlet
from trace import say

server = eventlet.listen(("127.0.0.1", 0))
client = eventlet.connect(server.getsockname())
peer, _ = server.accept()


def read():
    say(f"read {client.recv(5).decode()}")


reader = eventlet.spawn(read)
eventlet.sleep(0.010)
try:
    client.recv(5)
except RuntimeError:
    say("second reader: refused")
client.sendall(b"ping")
say(f"peer got {peer.recv(5).decode()}")
peer.sendall(b"pong")
reader.wait()
