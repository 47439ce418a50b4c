"""Rule 42: a write after write_eof is refused, a second write_eof is none, and reading goes on."""

import asyncio
from trace import Recorder, connect, main, say


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    protocol.transport.write(b"last words")
    protocol.transport.write_eof()
    protocol.transport.write_eof()
    try:
        protocol.transport.write(b"more")
        say("written")
    except RuntimeError:
        say("write: refused")
    say(f"peer got: {(await reader.read()).decode()}")
    writer.write(b"answer")
    await asyncio.sleep(0.01)
    writer.close()
    await asyncio.sleep(0.01)


main(body)
