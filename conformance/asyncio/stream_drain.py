"""Rule 47: many tasks may drain at once; each waits until the peer has read enough."""

import asyncio
from trace import main, say, stream_pair, yes

MUCH = 4 << 20


async def body():
    reader, writer, peer_reader, peer = await stream_pair()
    writer.write(bytes(MUCH))

    async def drain(name):
        await writer.drain()
        say(f"{name} has drained")

    tasks = [asyncio.create_task(drain(name)) for name in "abc"]
    await asyncio.sleep(0.01)
    say("peer reads")
    await peer_reader.readexactly(MUCH)
    await asyncio.gather(*tasks)
    say("end")
    peer.close()
    writer.close()


main(body)
