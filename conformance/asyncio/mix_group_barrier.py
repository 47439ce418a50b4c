"""Two groups meet at a barrier; one is canceled by a timeout, whose tasks leave it, and others take their places."""

import asyncio
from trace import main, outcome, say


async def body():
    barrier = asyncio.Barrier(3)

    async def arrive(name, ms):
        await asyncio.sleep(ms / 1000)
        say(f"{name} arrives")
        try:
            await barrier.wait()
            say(f"{name} goes on")
        except asyncio.CancelledError:
            say(f"{name} is canceled")
            raise

    async def group(timeout, *arrivals):
        async with asyncio.timeout(timeout / 1000), asyncio.TaskGroup() as tasks:
            for name, ms in arrivals:
                tasks.create_task(arrive(name, ms))

    async def say_outcome(name, awaitable):
        say(f"{name}: {await outcome(awaitable)}")

    await asyncio.gather(
        say_outcome("first", group(20, ("a", 10))),
        say_outcome("second", group(100, ("b", 5), ("c", 30), ("d", 40))),
    )


main(body)
