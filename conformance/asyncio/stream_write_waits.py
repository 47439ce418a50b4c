"""write returns at once, however much is buffered; only drain waits."""

import asyncio
from trace import main, say, stream_pair, yes

MUCH = 4 << 20


async def body():
    reader, writer, peer_reader, peer = await stream_pair()

    async def send():
        for n in range(2):
            writer.write(bytes(MUCH))
            say(f"written {n}")

    sending = asyncio.create_task(send())
    await asyncio.sleep(0.01)
    say("peer reads")
    got = len(await peer_reader.readexactly(2 * MUCH))
    await sending
    say(f"peer got all: {yes(got == 2 * MUCH)}")
    peer.close()
    writer.close()


main(body)
