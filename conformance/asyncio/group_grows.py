"""Rule 31: a group waits for children that are started while it ends, too."""

import asyncio
from trace import main, say


async def chain(group, n):
    await asyncio.sleep(0.01)
    say(f"child {n} ends")
    if n < 3:
        group.create_task(chain(group, n + 1))


async def body():
    async with asyncio.TaskGroup() as group:
        group.create_task(chain(group, 1))
        say("body ends")
    say("group ends")


main(body)
