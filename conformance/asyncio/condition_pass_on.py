"""Rule 34: a waiter of a condition that was notified and is canceled before it runs: who gets the notification?"""

import asyncio
from trace import main, outcome, say


async def body():
    condition = asyncio.Condition()

    async def wait(name):
        async with condition:
            await condition.wait()
            return f"{name} was notified"

    a, b = asyncio.create_task(wait("a")), asyncio.create_task(wait("b"))
    await asyncio.sleep(0.01)
    async with condition:
        condition.notify(1)
    a.cancel()
    say(await outcome(a))
    say(await outcome(asyncio.wait_for(b, 1)))


main(body)
