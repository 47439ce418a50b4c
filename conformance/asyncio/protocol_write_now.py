"""Rule 41: write sends at once if nothing is buffered."""

import asyncio
from trace import Recorder, connect, main, say, yes


async def body():
    protocol = Recorder()
    reader, writer = await connect(protocol)
    protocol.transport.write(b"one")
    say(f"buffered: {protocol.transport.get_write_buffer_size()}")
    await asyncio.sleep(0.01)
    protocol.transport.write(bytes(4 << 20))
    say(f"buffered any: {yes(protocol.transport.get_write_buffer_size())}")
    protocol.transport.write(b"two")
    say(f"peer got: {(await reader.read(3)).decode()}")
    writer.transport.abort()
    await asyncio.sleep(0.01)


main(body)
