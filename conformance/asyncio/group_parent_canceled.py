"""Canceling the task around a group cancels the children; the group waits for them and then is canceled."""

import asyncio
from trace import main, outcome, say


async def child(name, ms):
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(ms / 1000)
        say(f"{name} ends")


async def parent():
    async with asyncio.TaskGroup() as group:
        group.create_task(child("a", 20))
        group.create_task(child("b", 10))
    say("never")


async def body():
    task = asyncio.create_task(parent())
    await asyncio.sleep(0.01)
    task.cancel()
    say(f"parent: {await outcome(task)}")


main(body)
