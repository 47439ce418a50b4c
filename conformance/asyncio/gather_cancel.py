"""Rule 19: canceling gather with return_exceptions cancels the children, waits for all of them, and is a cancel."""

import asyncio
from trace import main, outcome, say


async def sleeper(name, ms):
    try:
        await asyncio.sleep(10)
    finally:
        say(f"{name} is canceled")
        await asyncio.sleep(ms / 1000)
        say(f"{name} ends")


async def body():
    both = asyncio.gather(sleeper("a", 20), sleeper("b", 10), return_exceptions=True)
    await asyncio.sleep(0.01)
    both.cancel()
    say(await outcome(both))


main(body)
