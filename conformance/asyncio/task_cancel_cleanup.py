"""Cleanup of a canceled task may wait."""

import asyncio
from trace import main, outcome, say


async def work():
    try:
        await asyncio.sleep(10)
    finally:
        say("cleanup begins")
        await asyncio.sleep(0.02)
        say("cleanup ends")


async def body():
    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    say(f"task: {await outcome(task)}")


main(body)
