"""A group reports every error: that of the child that failed, and of one that fails when it is canceled."""

import asyncio
from trace import main, say


async def fails(name, ms):
    try:
        await asyncio.sleep(ms / 1000)
    finally:
        say(f"{name} fails")
        raise ValueError(f"{name} is bad")


async def body():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails("a", 10))
            group.create_task(fails("b", 20))
    except ExceptionGroup as e:
        say(f"group: {', '.join(str(x) for x in e.exceptions)}")


main(body)
