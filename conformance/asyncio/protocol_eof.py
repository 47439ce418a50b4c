"""Rule 43: at the end of the stream the connection is closed, unless eof_received says true."""

import asyncio
from trace import Recorder, connect, main, say


class Protocol(Recorder):
    def __init__(self, keep_open):
        self.keep_open = keep_open

    def eof_received(self):
        super().eof_received()
        return self.keep_open


async def body():
    for keep_open in [False, True]:
        protocol = Protocol(keep_open)
        reader, writer = await connect(protocol)
        writer.write_eof()
        await asyncio.sleep(0.01)
        if keep_open:
            protocol.transport.write(b"still here")
            protocol.transport.close()
            await asyncio.sleep(0.01)
        say(f"peer got: {(await reader.read()).decode()}")
        writer.close()


main(body)
