"""Rule 26: a timeout of 0 hits the first await, and nothing that does not wait."""

import asyncio
from trace import main, outcome, say


async def within(seconds, waits):
    async with asyncio.timeout(seconds):
        say("begin")
        if waits:
            await asyncio.sleep(0.01)
        say("end")


async def body():
    say(await outcome(within(0, False)))
    say(await outcome(within(0, True)))
    say(await outcome(within(0.01, False)))


main(body)
