"""Rule 13: a task that cancels itself and returns without awaiting ends canceled."""

import asyncio
from trace import main, outcome, say, yes


async def cancels_itself():
    asyncio.current_task().cancel()
    say("canceled itself")
    return "value"


async def body():
    task = asyncio.create_task(cancels_itself())
    say(f"task: {await outcome(task)}, canceled {yes(task.cancelled())}")


main(body)
