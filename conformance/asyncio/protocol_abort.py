"""Rule 38: abort drops what is buffered; the connection is lost later, without an error."""

import asyncio
from trace import Recorder, connect, main, say

MUCH = 4 << 20


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    protocol.transport.write(bytes(MUCH))
    protocol.transport.abort()
    protocol.transport.abort()
    say("aborted")
    await asyncio.sleep(0.01)
    writer.close()


main(body)
