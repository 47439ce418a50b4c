"""A task that swallows its cancel can wait again; it takes another cancel to end it."""

import asyncio
from trace import main, outcome, say


async def swallows():
    for what in ["first", "second", "third"]:
        say(f"{what} sleep: {await outcome(asyncio.sleep(0.03))}")


async def body():
    task = asyncio.create_task(swallows())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.04)
    task.cancel()
    say(f"task: {await outcome(task)}")


main(body)
