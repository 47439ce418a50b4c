"""Rule 47: when the peer has reset the connection, reading and draining fail with that."""

import asyncio
import socket
import struct
from trace import main, outcome, say, stream_pair


async def body():
    reader, writer, _, peer = await stream_pair(tcp=True)
    reading = asyncio.create_task(reader.read(10))
    await asyncio.sleep(0.01)
    peer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.transport.abort()
    await asyncio.sleep(0.01)
    say(f"read: {await outcome(reading)}")
    say(f"read again: {await outcome(reader.read(10))}")
    writer.write(b"late")
    try:
        await writer.drain()
        say("drain: done")
    except ConnectionResetError:
        say("drain: failed")
    writer.close()


main(body)
