"""Rule 32: closing a socket does not wake its reader."""

import eventlet
from trace import outcome, say

server = eventlet.listen(("127.0.0.1", 0))
client = eventlet.connect(server.getsockname())
peer, _ = server.accept()


def read():
    try:
        client.recv(5)
        say("read something")
    except OSError:
        say("reader: closed")


reader = eventlet.spawn(read)
eventlet.sleep(0.010)
client.close()
eventlet.sleep(0.010)
say(f"reader done: {reader.dead}")
reader.kill()
say("end")
