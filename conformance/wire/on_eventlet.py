"""One side of a conversation, with Eventlet's green sockets."""

import struct
import sys

import eventlet
from eventlet import hubs, tpool
from eventlet.green import socket, ssl

from common import *


def line():
    """Returns the next line of standard input."""
    return tpool.execute(sys.stdin.readline)


def secure(sock, role):
    if role == "client":
        return eventlet.wrap_ssl(sock, ca_certs=AUTHORITY, cert_reqs=ssl.CERT_REQUIRED)
    return eventlet.wrap_ssl(sock, certfile=CERTIFICATE, keyfile=CERTIFICATE, server_side=True)


def exactly(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def rest(sock, tally):
    while data := sock.recv(65536):
        tally.add(data)


def close(sock):
    if isinstance(sock, ssl.GreenSSLSocket):
        sock = sock.unwrap()
    sock.close()


def abort(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Echo:
    def server(self, sock):
        tally = Tally()
        try:
            while data := sock.recv(65536):
                tally.add(data)
                if data == b"abort":
                    abort(sock)
                    return tally.end("closed")
                sock.sendall(data)
        except ConnectionResetError:
            return tally.end("reset")
        close(sock)
        return tally.end("eof")

    def client(self, sock):
        tally = Tally()
        for k, size in enumerate(PIECES):
            sock.sendall(pattern(size, k))
            tally.add(exactly(sock, size))
        close(sock)
        return tally.end("closed")


class TLS(Echo):
    def server(self, sock):
        return super().server(secure(sock, "server"))

    def client(self, sock):
        return super().client(secure(sock, "client"))


class StartTLS(TLS):
    def server(self, sock):
        assert exactly(sock, 10) == b"STARTTLS\r\n"
        sock.sendall(b"OK\r\n")
        return super().server(sock)

    def client(self, sock):
        sock.sendall(b"STARTTLS\r\n")
        assert exactly(sock, 4) == b"OK\r\n"
        return super().client(sock)


class HalfClose:
    def server(self, sock):
        tally = Tally()
        rest(sock, tally)
        sock.sendall(pattern(HALF, 2))
        sock.close()
        return tally.end("eof")

    def client(self, sock):
        tally = Tally()
        sock.sendall(pattern(HALF, 1))
        sock.shutdown(socket.SHUT_WR)
        rest(sock, tally)
        sock.close()
        return tally.end("eof")


class Messages:
    def __init__(self, kind):
        self.kind = kind

    def read(self, stream):
        """Returns the next message, or None at the end of the stream."""
        if self.kind == "lines":
            whole = b""
            while not whole.endswith(b"\r\n"):
                more = stream.readline()
                if not more:
                    assert not whole, "cut"
                    return None
                whole += more
            return whole[:-2]
        if self.kind == "netstrings":
            head = b""
            while not head.endswith(b":"):
                more = stream.read(1)
                if not more:
                    assert not head, "cut"
                    return None
                head += more
            message = stream.read(int(head[:-1]))
            assert stream.read(1) == b","
            return message
        head = stream.read(int(self.kind[3:]) // 8)
        return stream.read(int.from_bytes(head, "big")) if head else None

    def server(self, sock):
        tally, stream = Tally(), sock.makefile("rb")
        while (message := self.read(stream)) is not None:
            tally.message(message)
            sock.sendall(pack(self.kind, answer(message)))
        stream.close()
        sock.close()
        return tally.end("eof")

    def client(self, sock):
        tally, stream = Tally(), sock.makefile("rb")
        for batch in batches(self.kind):
            sock.sendall(b"".join(pack(self.kind, m) for m in batch))
            for _ in batch:
                tally.message(self.read(stream))
        stream.close()
        sock.close()
        return tally.end("closed")


class Slow:
    def __init__(self, sender):
        self.sender = sender

    def server(self, sock):
        return self.send(sock) if self.sender == "server" else self.receive(sock)

    def client(self, sock):
        return self.send(sock) if self.sender == "client" else self.receive(sock)

    def watch(self, sock):
        """Tells when another green thread waits for room in a socket."""
        hub = hubs.get_hub()
        while sock.fileno() not in hub.listeners[hub.WRITE]:
            eventlet.sleep(0)
        say("paused")
        return True

    def send(self, sock):
        watch, piece = eventlet.spawn(self.watch, sock), pattern(CHUNK, 0)
        for _ in range(BULK // CHUNK):
            sock.sendall(piece)
        paused = watch.wait()
        sock.close()
        return f"sent={BULK} paused={paused}"

    def receive(self, sock):
        assert line() == "go\n"
        tally = Tally()
        rest(sock, tally)
        sock.close()
        return tally.end("eof")


class Abort(Echo):
    def __init__(self, by):
        self.by = by

    def client(self, sock):
        tally = Tally()
        sock.sendall(b"hello")
        tally.add(exactly(sock, 5))
        if self.by == "client":
            abort(sock)
            return tally.end("closed")
        sock.sendall(b"abort")
        try:
            rest(sock, tally)
        except ConnectionResetError:
            return tally.end("reset")
        sock.close()
        return tally.end("eof")


CASES = {
    "echo": Echo(), "tls": TLS(), "starttls": StartTLS(), "halfclose": HalfClose(),
    **{kind: Messages(kind) for kind in LONGEST},
    "slow-server": Slow("client"), "slow-client": Slow("server"),
    "abort-client": Abort("client"), "abort-server": Abort("server"),
}


def serve(name):
    listener = eventlet.listen(("127.0.0.1", 0))
    say(f"port {listener.getsockname()[1]}")
    sock, _ = listener.accept()
    listener.close()
    say("result " + CASES[name].server(sock))


def connect(name, port):
    say("result " + CASES[name].client(eventlet.connect(("127.0.0.1", int(port)))))


while words := line().split():
    serve(*words) if len(words) == 1 else connect(*words)
