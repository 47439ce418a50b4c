"""Rule 33: a handler's return closes the connection; StopServe ends serve, which returns."""

import eventlet
from trace import say


def handle(conn, addr):
    line = conn.recv(100).decode()
    say(f"server read {line}")
    if line == "stop":
        raise eventlet.StopServe()
    conn.sendall(line.upper().encode())


def client(line):
    c = eventlet.connect(server.getsockname())
    c.sendall(line.encode())
    got = b""
    while True:
        piece = c.recv(100)
        if not piece:
            break
        got += piece
    say(f"client got {got.decode() or 'nothing'}")


server = eventlet.listen(("127.0.0.1", 0))
serving = eventlet.spawn(eventlet.serve, server, handle)
client("hello")
client("again")
eventlet.connect(server.getsockname()).sendall(b"stop")
say(f"serve gave {serving.wait()}")
