"""Rule 40: what is written after close is sent, too, while there is something to send."""

import asyncio
from trace import Recorder, connect, main, say

MUCH = 4 << 20


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    protocol.transport.write(bytes(MUCH))
    protocol.transport.close()
    protocol.transport.write(b"late")
    say("written")
    await asyncio.sleep(0.01)
    got = len(await reader.read())
    await asyncio.sleep(0.01)
    say(f"peer got {got - MUCH} bytes that were late")
    writer.close()


main(body)
