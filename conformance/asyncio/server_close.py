"""Closing a server, even twice, ends listening only: connections go on."""

import asyncio
from trace import main, new_address, outcome, say


async def body():
    async def echo(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        say("handler ends")
        writer.close()

    address = new_address()
    server = await asyncio.start_unix_server(echo, address)
    reader, writer = await asyncio.open_unix_connection(address)
    await asyncio.sleep(0.01)
    server.close()
    server.close()
    say(f"connect: {await outcome(asyncio.open_unix_connection(address))}")
    writer.write(b"hello")
    say(f"echo: {(await reader.read(100)).decode()}")
    writer.close()
    await asyncio.sleep(0.01)


main(body)
