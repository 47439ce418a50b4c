"""What several tasks write is sent in the order in which they write, each piece whole, without any of them waiting."""

import asyncio
from trace import main, say, stream_pair

SIZE = 1 << 20


async def body():
    reader, writer, peer_reader, peer = await stream_pair()

    async def send(letter):
        for _ in range(2):
            writer.write(letter.encode() * SIZE)
            say(f"{letter} is written")

    for letter in "ab":
        asyncio.create_task(send(letter))
    await asyncio.sleep(0.01)
    pieces = [(await peer_reader.readexactly(SIZE)).decode() for _ in range(4)]
    await asyncio.sleep(0.01)
    say(f"peer got {' '.join(''.join(sorted(set(piece))) for piece in pieces)}")
    peer.close()
    writer.close()


main(body)
