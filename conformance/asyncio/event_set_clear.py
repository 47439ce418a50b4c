"""Rule 36: set and clear at once still wake those who wait, in the order in which they came."""

import asyncio
from trace import main, say, yes


async def body():
    event = asyncio.Event()

    async def wait(name):
        await event.wait()
        say(f"{name} is woken, set {yes(event.is_set())}")

    tasks = [asyncio.create_task(wait(name)) for name in "abc"]
    await asyncio.sleep(0.01)
    event.set()
    event.clear()
    await asyncio.gather(*tasks)
    event.set()
    await wait("body")


main(body)
