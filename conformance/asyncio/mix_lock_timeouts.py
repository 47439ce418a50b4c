"""Tasks wait for a lock with timeouts: those that give up leave the line, and one gives up as the lock comes to it."""

import asyncio
from trace import main, outcome, say


async def body():
    lock = asyncio.Lock()

    async def use(name, patience, ms):
        async with asyncio.timeout(patience / 1000):
            await lock.acquire()
        try:
            say(f"{name} has the lock")
            await asyncio.sleep(ms / 1000)
        finally:
            lock.release()

    async def say_outcome(name, patience, ms):
        say(f"{name}: {await outcome(use(name, patience, ms))}")

    await asyncio.gather(
        say_outcome("a", 100, 30),
        say_outcome("b", 10, 10),
        say_outcome("c", 100, 10),
        say_outcome("d", 35, 10),
        say_outcome("e", 100, 10),
    )


main(body)
