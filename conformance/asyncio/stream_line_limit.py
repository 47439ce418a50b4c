"""Rule 48: readline that finds no end within the limit discards what there is of the line."""

import asyncio
from trace import main, say, stream_pair


async def body():
    reader, writer, _, peer = await stream_pair(limit=8)
    peer.write(b"a very long line\n")
    await asyncio.sleep(0.01)
    try:
        await reader.readline()
        say("read")
    except ValueError:
        say("too long")
    peer.write(b"next\n")
    peer.close()
    say((await reader.read()).decode().replace("\n", ";"))
    writer.close()


main(body)
