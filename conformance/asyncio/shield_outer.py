"""Canceling the task that awaits a shield leaves what is in it running."""

import asyncio
from trace import main, outcome, say


async def work():
    await asyncio.sleep(0.03)
    say("work ends")
    return "value"


async def body():
    inner = asyncio.create_task(work())

    async def wait():
        say(f"shield: {await outcome(asyncio.shield(inner))}")

    outer = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    outer.cancel()
    say(f"outer: {await outcome(outer)}")
    say(f"inner: {await outcome(inner)}")


main(body)
