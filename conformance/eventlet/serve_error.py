"""Rule 33: an error in a handler ends serve with it."""

import eventlet
from trace import Boom, outcome, say


def handle(conn, addr):
    line = conn.recv(100).decode()
    say(f"server read {line}")
    if line == "bad":
        raise Boom()
    conn.sendall(b"fine")


def client(line):
    try:
        c = eventlet.connect(server.getsockname())
        c.sendall(line.encode())
        say(f"client got {c.recv(100).decode() or 'nothing'}")
    except ConnectionResetError:
        say("client got a reset")


server = eventlet.listen(("127.0.0.1", 0))
serving = eventlet.spawn(eventlet.serve, server, handle)
client("good")
client("bad")
eventlet.sleep(0.010)
say(f"serving: {not serving.dead}")
if serving.dead:
    say(f"serve gave {outcome(serving)}")
else:
    client("good")
