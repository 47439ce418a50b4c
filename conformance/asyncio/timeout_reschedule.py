"""A timeout can be moved, and taken away; its time that is up is known inside."""

import asyncio
from trace import main, outcome, say


async def moved():
    async with asyncio.timeout(0.01) as scope:
        scope.reschedule(asyncio.get_running_loop().time() + 0.03)
        await asyncio.sleep(0.02)
        say("not yet")
        await asyncio.sleep(10)


async def removed():
    async with asyncio.timeout(0.01) as scope:
        scope.reschedule(None)
        await asyncio.sleep(0.02)
        say("never")


async def body():
    say(await outcome(moved()))
    say(await outcome(removed()))


main(body)
