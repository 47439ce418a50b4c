"""Rule 10: canceling a task cancels what it awaits at once, and the task itself later."""

import asyncio
from trace import main, outcome, say, yes


async def body():
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    async def wait():
        say(f"awaited: {await outcome(future)}")
        raise asyncio.CancelledError

    task = loop.create_task(wait())
    await asyncio.sleep(0)
    say(f"cancel: {yes(task.cancel())}")
    say(f"future canceled {yes(future.cancelled())}, task canceled {yes(task.cancelled())}")
    say(f"task: {await outcome(task)}, canceled {yes(task.cancelled())}")
    say(f"cancel again: {yes(task.cancel())}")


main(body)
