"""Rule 34: a waiter that was woken and is canceled before it runs passes the wake-up on."""

import asyncio
from trace import main, outcome, say


async def two_waiters(what, wait, wake):
    a, b = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    wake()
    a.cancel()
    say(f"{what}: first {await outcome(a)}, second {await outcome(asyncio.wait_for(b, 1))}")


async def body():
    lock, semaphore, queue = asyncio.Lock(), asyncio.Semaphore(0), asyncio.Queue()

    async def take_lock():
        await lock.acquire()
        return "took it"

    async def take_unit():
        await semaphore.acquire()
        return "took it"

    async def take_value():
        await queue.get()
        return "took it"

    await lock.acquire()
    await two_waiters("lock", take_lock, lock.release)
    await two_waiters("semaphore", take_unit, semaphore.release)
    await two_waiters("queue", take_value, lambda: queue.put_nowait(1))


main(body)
