"""Rule 46: pausing twice is pausing, and resuming twice is resuming; what arrives meanwhile comes then."""

import asyncio
from trace import Recorder, connect, main, say


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    protocol.transport.pause_reading()
    protocol.transport.pause_reading()
    say("paused")
    writer.write(b"held")
    await asyncio.sleep(0.01)
    protocol.transport.resume_reading()
    protocol.transport.resume_reading()
    say("resumed")
    await asyncio.sleep(0.01)
    writer.write(b"more")
    await asyncio.sleep(0.01)
    writer.close()
    await asyncio.sleep(0.01)


main(body)
