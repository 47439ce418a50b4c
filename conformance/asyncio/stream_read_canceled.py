"""A canceled read loses no data."""

import asyncio
from trace import main, outcome, say, stream_pair


async def body():
    reader, writer, _, peer = await stream_pair()

    async def read(n):
        return (await reader.readexactly(n)).decode()

    peer.write(b"hel")
    say(f"in time: {await outcome(asyncio.wait_for(read(5), 0.01))}")
    peer.write(b"lo")
    say(f"later: {await outcome(read(5))}")
    peer.close()
    writer.close()


main(body)
