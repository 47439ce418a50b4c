"""Rule 20: gather's results stand in the order of its arguments; what is given twice runs once and fills both places."""

import asyncio
from trace import main, say


async def sleeper(name, ms):
    await asyncio.sleep(ms / 1000)
    say(f"{name} ends")
    return name


async def body():
    a, b = asyncio.create_task(sleeper("a", 30)), asyncio.create_task(sleeper("b", 10))
    say(" ".join(await asyncio.gather(a, b, a)))
    say(f"of none: {len(await asyncio.gather())}")


main(body)
