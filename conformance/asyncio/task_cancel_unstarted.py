"""Rule 11: a task that is canceled before its first step never runs its body."""

import asyncio
from trace import main, outcome, say, yes


async def never():
    say("never")


async def body():
    task = asyncio.create_task(never())
    task.cancel()
    say(f"canceled at once: {yes(task.cancelled())}")
    say(f"task: {await outcome(task)}")


main(body)
