"""Rule 48: readuntil that finds no separator within the limit keeps the data."""

import asyncio
from trace import main, say, stream_pair


async def body():
    reader, writer, _, peer = await stream_pair(limit=8)
    peer.write(b"short;a very long one;")
    await asyncio.sleep(0.01)
    say((await reader.readuntil(b";")).decode())
    try:
        await reader.readuntil(b";")
        say("read")
    except asyncio.LimitOverrunError:
        say("too long")
    say((await reader.readexactly(14)).decode())
    peer.close()
    writer.close()


main(body)
