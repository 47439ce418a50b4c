"""Rule 33: a semaphore that is released to a waiter stays locked: the unit is handed over."""

import asyncio
from trace import main, say, yes


async def worker(semaphore, name, ms):
    async with semaphore:
        say(f"{name} begins")
        await asyncio.sleep(ms / 1000)
        say(f"{name} ends")


async def body():
    semaphore = asyncio.Semaphore(1)
    await semaphore.acquire()
    a = asyncio.create_task(worker(semaphore, "a", 10))
    await asyncio.sleep(0)
    semaphore.release()
    say(f"locked: {yes(semaphore.locked())}")
    b = asyncio.create_task(worker(semaphore, "b", 10))
    await asyncio.gather(a, b)
    say(f"locked: {yes(semaphore.locked())}")


main(body)
