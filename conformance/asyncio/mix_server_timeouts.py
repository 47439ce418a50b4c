"""A server whose handlers wait for a line with a timeout; clients of a group are quick, slow, silent and gone."""

import asyncio
from trace import main, new_address, say


async def body():
    async def handle(reader, writer):
        name = ""
        try:
            name = (await reader.readline()).decode().strip()
            async with asyncio.timeout(0.03):
                line = await reader.readline()
            say(f"{name} says {line.decode().strip() or 'no more'}")
            writer.write(b"thanks\n")
        except TimeoutError:
            say(f"{name} is too slow")
            writer.write(b"too late\n")
        writer.close()

    async def client(name, *script):
        reader, writer = await asyncio.open_unix_connection(address)
        for pause, text in script:
            await asyncio.sleep(pause / 1000)
            writer.write(text.encode())
        if name == "gone":
            writer.write_eof()
        say(f"{name} hears {(await reader.readline()).decode().strip()}")
        writer.close()

    address = new_address()
    server = await asyncio.start_unix_server(handle, address)
    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        group.create_task(client("quick", (1, "quick\n"), (1, "hello\n")))
        group.create_task(client("slow", (4, "slow\n"), (10, "hel"), (10, "lo\n")))
        group.create_task(client("silent", (7, "silent\n")))
        group.create_task(client("gone", (12, "gone\n")))
    server.close()
    say("end")


main(body)
