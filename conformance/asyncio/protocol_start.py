"""Rule 37: a connection is made before its data comes, even if that is there already, and reading begins an iteration later."""

import asyncio
import socket
from trace import Recorder, main, say


class Protocol(Recorder):
    def connection_made(self, transport):
        super().connection_made(transport)
        asyncio.get_running_loop().call_soon(say, "next turn")


async def body():
    ours, theirs = socket.socketpair()
    theirs.send(b"hello")
    ours.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(Protocol, sock=ours)
    await asyncio.sleep(0.01)
    say("close")
    transport.close()
    await asyncio.sleep(0.01)


main(body)
