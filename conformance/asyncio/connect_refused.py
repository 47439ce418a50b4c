"""Connecting to where nobody listens is refused; the protocol hears nothing of it."""

import asyncio
import socket
from trace import Recorder, main, outcome, say


async def body():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    loop = asyncio.get_running_loop()
    say(await outcome(loop.create_connection(Recorder, *address)))
    say(await outcome(asyncio.open_connection(*address)))


main(body)
