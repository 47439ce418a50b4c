"""abort ends the stream for the peer as close does, if there was nothing to send."""

import asyncio
from trace import main, outcome, say, stream_pair


async def body():
    reader, writer, _, peer = await stream_pair(tcp=True)

    async def read():
        return (await reader.read(10)).decode() or "end"

    peer.transport.abort()
    await asyncio.sleep(0.01)
    say(f"read: {await outcome(read())}")
    writer.close()


main(body)
