"""After write_eof the peer's stream ends, and it can still answer."""

import asyncio
from trace import main, say, stream_pair


async def body():
    reader, writer, peer_reader, peer = await stream_pair()

    async def answer():
        request = await peer_reader.read()
        say(f"request: {request.decode()}")
        await asyncio.sleep(0.01)
        peer.write(request.upper())
        peer.close()

    answering = asyncio.create_task(answer())
    writer.write(b"quest")
    await asyncio.sleep(0.01)
    writer.write(b"ion")
    writer.write_eof()
    say(f"answer: {(await reader.read()).decode()}")
    await answering
    writer.close()


main(body)
