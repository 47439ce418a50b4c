"""Rule 12: if a future is settled and its waiter is canceled before it wakes, the cancel wins."""

import asyncio
from trace import main, outcome, say


async def body():
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        return await future

    task = loop.create_task(wait())
    await asyncio.sleep(0)
    future.set_result(7)
    task.cancel()
    say(f"task: {await outcome(task)}")
    say(f"future: {await outcome(future)}")


main(body)
