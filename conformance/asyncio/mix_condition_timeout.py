"""A timeout hits a task that waits for a condition whose lock another task holds: it ends when it has the lock again."""

import asyncio
from trace import main, outcome, say


async def body():
    condition = asyncio.Condition()

    async def wait(name, ms):
        async with condition:
            try:
                async with asyncio.timeout(ms / 1000):
                    await condition.wait()
                say(f"{name}: notified")
            except TimeoutError:
                say(f"{name}: timeout")

    async def hold():
        await asyncio.sleep(0.01)
        async with condition:
            say("lock is held")
            await asyncio.sleep(0.03)
            condition.notify(1)
            say("notify")
            await asyncio.sleep(0.01)
        say("lock is free")

    await asyncio.gather(wait("a", 20), wait("b", 100), wait("c", 70), hold())


main(body)
