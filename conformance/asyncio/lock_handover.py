"""Rule 32: a lock that is released to waiters is not locked, yet who comes then is behind them."""

import asyncio
from trace import main, say, yes


async def holder(lock, name):
    async with lock:
        say(f"{name} has the lock")
        await asyncio.sleep(0.01)


async def body():
    lock = asyncio.Lock()
    await lock.acquire()
    a = asyncio.create_task(holder(lock, "a"))
    await asyncio.sleep(0)
    lock.release()
    say(f"locked: {yes(lock.locked())}")
    await holder(lock, "body")
    await a
    say(f"locked: {yes(lock.locked())}")


main(body)
