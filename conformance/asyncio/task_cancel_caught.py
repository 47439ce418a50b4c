"""Rule 14: a task that catches its cancel and returns is not canceled, though it still counts as asked to stop."""

import asyncio
from trace import main, outcome, say, yes


async def catches():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        say("caught")
    say(f"asked to stop: {yes(asyncio.current_task().cancelling())}")
    return "value"


async def body():
    task = asyncio.create_task(catches())
    await asyncio.sleep(0.01)
    task.cancel()
    say(f"task: {await outcome(task)}, canceled {yes(task.cancelled())}")


main(body)
