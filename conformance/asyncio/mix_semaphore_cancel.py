"""A semaphore of two, five tasks, a timeout around all of them, and a cancel of one that waits and one that works."""

import asyncio
from trace import main, say, yes


async def body():
    semaphore = asyncio.Semaphore(2)

    async def work(name):
        async with semaphore:
            say(f"{name} begins")
            try:
                await asyncio.sleep(0.02)
                say(f"{name} ends")
            except asyncio.CancelledError:
                say(f"{name} is canceled at work")
                raise

    tasks = [asyncio.create_task(work(name)) for name in "abcde"]
    asyncio.get_running_loop().call_later(0.01, tasks[2].cancel)
    asyncio.get_running_loop().call_later(0.03, tasks[3].cancel)
    done, pending = await asyncio.wait_for(asyncio.wait(tasks), 1)
    say(f"done {len(done)}, canceled {sum(task.cancelled() for task in done)}")
    say(f"locked: {yes(semaphore.locked())}")


main(body)
