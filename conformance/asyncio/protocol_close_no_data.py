"""Rule 39: no data comes after close, even if it has arrived."""

import asyncio
from trace import Recorder, connect, main, say


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    writer.write(b"first")
    await asyncio.sleep(0.01)
    protocol.transport.pause_reading()
    writer.write(b"second")
    await asyncio.sleep(0.01)
    protocol.transport.close()
    protocol.transport.resume_reading()
    say("closed")
    await asyncio.sleep(0.01)
    writer.close()


main(body)
