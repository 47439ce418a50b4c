"""Rules 38 and 39: close sends what is buffered, and the connection is lost once, later than within close."""

import asyncio
from trace import Recorder, connect, main, say, yes

MUCH = 4 << 20


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    protocol.transport.write(bytes(MUCH))
    protocol.transport.close()
    protocol.transport.close()
    say("closed")
    await asyncio.sleep(0.01)
    got = len(await reader.read())
    await asyncio.sleep(0.01)
    say(f"peer got all: {yes(got == MUCH)}")
    writer.close()


main(body)
