"""An exception in a handler is reported, and the server serves on."""

import asyncio
from trace import main, new_address, say


async def body():
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: say(f"handler: {context['exception']}"))

    async def handle(reader, writer):
        word = (await reader.read(100)).decode()
        if word == "bad":
            raise ValueError("bad word")
        writer.write(word.upper().encode())
        writer.close()

    address = new_address()
    server = await asyncio.start_unix_server(handle, address)
    for word in [b"bad", b"good"]:
        reader, writer = await asyncio.open_unix_connection(address)
        writer.write(word)
        await asyncio.sleep(0.01)
        if word == b"good":
            say(f"answer: {(await reader.read()).decode()}")
        writer.close()
    server.close()


main(body)
