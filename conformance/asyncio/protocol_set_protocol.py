"""A connection's protocol can be replaced: the new one is told of what comes next, and not that it is made."""

import asyncio
from trace import Recorder, connect, main, say


class Upgrading(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        say(f"first protocol: {data.decode()}")
        self.transport.set_protocol(Recorder())


async def body():
    reader, writer = await connect(Upgrading())
    for word in [b"upgrade", b"upgraded"]:
        writer.write(word)
        await asyncio.sleep(0.01)
    writer.close()
    await asyncio.sleep(0.01)


main(body)
