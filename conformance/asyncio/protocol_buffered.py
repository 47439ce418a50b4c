"""A BufferedProtocol gives the buffer to read into, and is told how much there is."""

import asyncio
from trace import connect, main, say


class Protocol(asyncio.BufferedProtocol):
    def __init__(self):
        self.buffer = bytearray(4)

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, n):
        say(f"filled: {self.buffer[:n].decode()}")

    def connection_lost(self, exc):
        say("lost")


async def body():
    reader, writer = await connect(Protocol())
    writer.write(b"abcdefghij")
    await asyncio.sleep(0.01)
    writer.close()
    await asyncio.sleep(0.01)


main(body)
