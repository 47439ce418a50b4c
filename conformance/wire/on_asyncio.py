"""One side of a conversation, with asyncio's streams."""

import asyncio
import ssl
import sys

from common import *


async def line():
    """Returns the next line of standard input."""
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def context(role):
    if role == "client":
        return ssl.create_default_context(cafile=AUTHORITY)
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(CERTIFICATE)
    return made


class Echo:
    async def server(self, reader, writer):
        tally = Tally()
        try:
            while data := await reader.read(65536):
                tally.add(data)
                if data == b"abort":
                    writer.transport.abort()
                    continue
                writer.write(data)
                await writer.drain()
        except ConnectionResetError:
            return tally.end("reset")
        writer.close()
        return tally.end("eof")

    async def client(self, reader, writer):
        tally = Tally()
        for k, size in enumerate(PIECES):
            writer.write(pattern(size, k))
            tally.add(await reader.readexactly(size))
        writer.close()
        return tally.end("closed")


class StartTLS(Echo):
    async def server(self, reader, writer):
        assert await reader.readuntil(b"\r\n") == b"STARTTLS\r\n"
        writer.write(b"OK\r\n")
        await writer.start_tls(context("server"))
        return await super().server(reader, writer)

    async def client(self, reader, writer):
        writer.write(b"STARTTLS\r\n")
        assert await reader.readuntil(b"\r\n") == b"OK\r\n"
        await writer.start_tls(context("client"), server_hostname="localhost")
        return await super().client(reader, writer)


class HalfClose:
    async def server(self, reader, writer):
        tally = Tally()
        tally.add(await reader.read())
        writer.write(pattern(HALF, 2))
        writer.close()
        return tally.end("eof")

    async def client(self, reader, writer):
        tally = Tally()
        writer.write(pattern(HALF, 1))
        writer.write_eof()
        tally.add(await reader.read())
        writer.close()
        return tally.end("eof")


class Messages:
    def __init__(self, kind):
        self.kind = kind

    async def read(self, reader):
        if self.kind == "lines":
            return (await reader.readuntil(b"\r\n"))[:-2]
        if self.kind == "netstrings":
            size = int((await reader.readuntil(b":"))[:-1])
            message = await reader.readexactly(size)
            assert await reader.readexactly(1) == b","
            return message
        size = int.from_bytes(await reader.readexactly(int(self.kind[3:]) // 8), "big")
        return await reader.readexactly(size)

    async def server(self, reader, writer):
        tally = Tally()
        try:
            while True:
                message = await self.read(reader)
                tally.message(message)
                writer.write(pack(self.kind, answer(message)))
                await writer.drain()
        except asyncio.IncompleteReadError as cut:
            writer.close()
            return tally.end("cut" if cut.partial else "eof")

    async def client(self, reader, writer):
        tally = Tally()
        for batch in batches(self.kind):
            writer.write(b"".join(pack(self.kind, m) for m in batch))
            for _ in batch:
                tally.message(await self.read(reader))
        writer.close()
        return tally.end("closed")


class Slow:
    def __init__(self, sender):
        self.sender = sender

    async def server(self, reader, writer):
        return await (self.send(writer) if self.sender == "server" else self.receive(reader, writer))

    async def client(self, reader, writer):
        return await (self.send(writer) if self.sender == "client" else self.receive(reader, writer))

    async def send(self, writer):
        paused, piece = False, pattern(CHUNK, 0)
        for _ in range(BULK // CHUNK):
            writer.write(piece)
            if not paused and writer.transport.get_write_buffer_size() > writer.transport.get_write_buffer_limits()[1]:
                paused = True
                say("paused")
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        return f"sent={BULK} paused={paused}"

    async def receive(self, reader, writer):
        writer.transport.pause_reading()
        assert await line() == "go\n"
        writer.transport.resume_reading()
        tally = Tally()
        while data := await reader.read(65536):
            tally.add(data)
        writer.close()
        return tally.end("eof")


class Abort(Echo):
    def __init__(self, by):
        self.by = by

    async def client(self, reader, writer):
        tally = Tally()
        writer.write(b"hello")
        tally.add(await reader.readexactly(5))
        if self.by == "client":
            writer.transport.abort()
        else:
            writer.write(b"abort")
        try:
            tally.add(await reader.read())
        except ConnectionResetError:
            return tally.end("reset")
        writer.close()
        return tally.end("eof")


CASES = {
    "echo": Echo(), "tls": Echo(), "starttls": StartTLS(), "halfclose": HalfClose(),
    **{kind: Messages(kind) for kind in LONGEST},
    "slow-server": Slow("client"), "slow-client": Slow("server"),
    "abort-client": Abort("client"), "abort-server": Abort("server"),
}


async def serve(name):
    result = asyncio.get_running_loop().create_future()

    async def handle(reader, writer):
        try:
            result.set_result(await CASES[name].server(reader, writer))
        except Exception as error:
            result.set_exception(error)

    server = await asyncio.start_server(
        handle, "127.0.0.1", 0, ssl=context("server") if name == "tls" else None)
    say(f"port {server.sockets[0].getsockname()[1]}")
    say("result " + await result)
    server.close()


async def connect(name, port):
    tls = {"ssl": context("client"), "server_hostname": "localhost"} if name == "tls" else {}
    say("result " + await CASES[name].client(*await asyncio.open_connection("127.0.0.1", int(port), **tls)))


async def main():
    while words := (await line()).split():
        await (serve(*words) if len(words) == 1 else connect(*words))


asyncio.run(main())
