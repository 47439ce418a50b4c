"""Lines come one by one, however they arrive; the last one needs no end."""

import asyncio
from trace import main, say, stream_pair


async def body():
    reader, writer, _, peer = await stream_pair()

    async def send():
        for piece in [b"one\ntw", b"o\n\nthr", b"ee"]:
            peer.write(piece)
            await asyncio.sleep(0.01)
        peer.close()

    sending = asyncio.create_task(send())
    async for line in reader:
        say(f"line: {line.decode().rstrip()}.")
    say("end")
    await sending
    writer.close()


main(body)
