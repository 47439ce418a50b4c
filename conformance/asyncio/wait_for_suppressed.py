"""Rule 23: wait_for waits until the work has ended, and returns its value if it has one after all."""

import asyncio
from trace import main, outcome, say


async def work(how):
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        say(f"{how}: canceled")
        await asyncio.sleep(0.02)
        if how == "value":
            return "late value"
        if how == "error":
            raise ValueError("late error")
        raise


async def body():
    for how in ["value", "error", "cancel"]:
        say(await outcome(asyncio.wait_for(work(how), 0.01)))


main(body)
