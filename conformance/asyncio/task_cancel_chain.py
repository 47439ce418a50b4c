"""Rule 15: canceling a task cancels the task that it awaits, and so on; the innermost ends first."""

import asyncio
from trace import main, outcome, say


async def link(name, inner):
    try:
        await inner
    finally:
        say(f"{name} ends")


async def body():
    c = asyncio.create_task(link("c", asyncio.sleep(10)))
    b = asyncio.create_task(link("b", c))
    a = asyncio.create_task(link("a", b))
    await asyncio.sleep(0.01)
    a.cancel()
    for name, task in [("a", a), ("b", b), ("c", c)]:
        say(f"{name}: {await outcome(task)}")


main(body)
