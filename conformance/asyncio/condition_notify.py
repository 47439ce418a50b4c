"""notify wakes as many as it says, in the order in which they came; wait_for asks its predicate each time."""

import asyncio
from trace import main, say

value = 0


async def body():
    condition = asyncio.Condition()

    async def wait(name):
        async with condition:
            await condition.wait()
            say(f"{name} was notified")

    async def wait_for_two():
        async with condition:
            await condition.wait_for(lambda: (say(f"value is {value}"), value == 2)[1])
            say("value is right")

    async def notify(n):
        global value
        value += 1
        async with condition:
            condition.notify(n)
            say(f"notify {n}")

    tasks = [asyncio.create_task(wait(name)) for name in "abc"] + [asyncio.create_task(wait_for_two())]
    for n in [2, 3, 1]:
        await asyncio.sleep(0.01)
        await notify(n)
    await asyncio.gather(*tasks)


main(body)
