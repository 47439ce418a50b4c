"""Rule 35: a waiter of a condition takes the lock again even if it is canceled, and again."""

import asyncio
from trace import main, outcome, say, yes


async def body():
    condition = asyncio.Condition()

    async def wait():
        async with condition:
            try:
                await condition.wait()
            finally:
                say(f"waiter: locked {yes(condition.locked())}")

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    async with condition:
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.01)
        say("body releases the lock")
    say(f"task: {await outcome(task)}")


main(body)
