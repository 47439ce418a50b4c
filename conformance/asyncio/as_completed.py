"""as_completed gives results as they come, errors among them."""

import asyncio
from trace import main, outcome, say


async def sleeper(name, ms):
    await asyncio.sleep(ms / 1000)
    if name == "b":
        raise ValueError("bad")
    return name


async def body():
    for next_one in asyncio.as_completed([sleeper("c", 30)]):
        say(await outcome(next_one))
    tasks = [asyncio.create_task(sleeper(n, ms)) for n, ms in [("a", 30), ("b", 10), ("c", 20)]]
    for next_one in asyncio.as_completed(tasks):
        say(await outcome(next_one))


main(body)
