"""A cancel inside a shield inside a timeout inside gather."""

import asyncio
from trace import main, outcome, say, word


async def work(name, ms):
    say(f"{name}: {await outcome(asyncio.sleep(ms / 1000))}")
    return name


async def within(task, ms):
    async with asyncio.timeout(ms / 1000):
        return await asyncio.shield(task)


async def body():
    fast, slow = asyncio.create_task(work("fast", 10)), asyncio.create_task(work("slow", 50))
    canceled = asyncio.create_task(asyncio.sleep(10))
    asyncio.get_running_loop().call_later(0.02, canceled.cancel)
    results = await asyncio.gather(within(fast, 30), within(slow, 30), within(canceled, 60), return_exceptions=True)
    say(", ".join(r if isinstance(r, str) else word(r) for r in results))
    say(f"then: {await outcome(slow)}")


main(body)
