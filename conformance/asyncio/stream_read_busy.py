"""Rule 48: a second task that reads a stream is refused, and the first one reads on."""

import asyncio
from trace import main, outcome, say, stream_pair


async def body():
    reader, writer, _, peer = await stream_pair()

    async def read():
        return (await reader.readexactly(5)).decode()

    first = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    try:
        await reader.readexactly(5)
        say("second: read")
    except RuntimeError:
        say("second: refused")
    peer.write(b"hello")
    say(f"first: {await outcome(first)}")
    peer.close()
    writer.close()


main(body)
