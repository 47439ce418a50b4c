"""Closing a server, even twice, ends listening only: connections go on."""

import asyncio
from trace import main, outcome, say


async def body():
    async def echo(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        say("handler ends")
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*address)
    await asyncio.sleep(0.01)
    server.close()
    server.close()
    say(f"connect: {await outcome(asyncio.open_connection(*address))}")
    writer.write(b"hello")
    say(f"echo: {(await reader.read(100)).decode()}")
    writer.close()
    await asyncio.sleep(0.01)


main(body)
