"""Rule 45: pause_writing is called within write, once; resume_writing once, when the peer has read enough."""

import asyncio
from trace import Recorder, connect, main, say, yes

MUCH = 4 << 20


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    for size in [MUCH, 1000]:
        say(f"write {size}")
        protocol.transport.write(bytes(size))
        say(f"written {size}")
    await asyncio.sleep(0.01)
    got = len(await reader.readexactly(MUCH + 1000))
    await asyncio.sleep(0.01)
    say(f"peer got all: {yes(got == MUCH + 1000)}")
    writer.close()
    await asyncio.sleep(0.01)


main(body)
