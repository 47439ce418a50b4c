"""Rule 31: a read with a time limit gives up, and the next one gets what comes."""

import socket

import eventlet
from trace import say

server = eventlet.listen(("127.0.0.1", 0))
client = eventlet.connect(server.getsockname())
peer, _ = server.accept()
client.settimeout(0.010)
try:
    client.recv(5)
except socket.timeout as e:
    say(f"timeout: {eventlet.is_timeout(e)}".replace("True", "yes"))
peer.sendall(b"late")
say(f"read {client.recv(5).decode()}")
