"""Mix: a client that has said all can still read the answer."""

import socket

import eventlet
from trace import say


def handle(conn):
    said = b""
    while True:
        piece = conn.recv(100)
        if not piece:
            break
        said += piece
    say(f"server read {said.decode()}")
    eventlet.sleep(0.010)
    conn.sendall(b"answer")


server = eventlet.listen(("127.0.0.1", 0))
client = eventlet.connect(server.getsockname())
peer, _ = server.accept()
thread = eventlet.spawn(handle, peer)
client.sendall(b"question")
client.shutdown(socket.SHUT_WR)
say(f"client read {client.recv(100).decode()}")
thread.wait()
peer.close()
say(f"then {len(client.recv(100))} bytes")
