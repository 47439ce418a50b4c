"""Rule 40: what is written after the connection was lost is ignored."""

import asyncio
from trace import Recorder, connect, main, say


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    writer.close()
    await asyncio.sleep(0.01)
    for _ in range(2):
        protocol.transport.write(b"late")
        say("written")


main(body)
