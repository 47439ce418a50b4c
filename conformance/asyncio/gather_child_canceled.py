"""Rule 18: a canceled child makes the await of gather fail with a cancel, and gather itself counts as not canceled."""

import asyncio
from trace import main, outcome, say


async def sleeper(name, ms):
    await asyncio.sleep(ms / 1000)
    say(f"{name} ends")
    return name


async def body():
    a, b = asyncio.create_task(sleeper("a", 20)), asyncio.create_task(sleeper("b", 20))
    both = asyncio.gather(a, b)
    await asyncio.sleep(0.01)
    a.cancel()
    say(await outcome(both))
    say(await outcome(b))


main(body)
