"""Rule 29: a child that is canceled by itself is no error of its group."""

import asyncio
from trace import main, outcome, say


async def sleeper(name, ms):
    await asyncio.sleep(ms / 1000)
    say(f"{name} ends")


async def body():
    async with asyncio.TaskGroup() as group:
        a = group.create_task(sleeper("a", 20))
        group.create_task(sleeper("b", 30))
        await asyncio.sleep(0.01)
        a.cancel()
    say(f"a: {await outcome(a)}")
    say("group: done")


main(body)
