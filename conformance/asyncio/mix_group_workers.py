"""Workers of a group take from a queue, and one meets a value that it cannot take: who is canceled, and what is left?"""

import asyncio
from trace import main, outcome, say


async def worker(name, queue):
    try:
        while True:
            value = await queue.get()
            say(f"{name} takes {value}")
            await asyncio.sleep(value / 1000)
            if value == 20:
                raise ValueError(f"{name} cannot take {value}")
            queue.task_done()
    except asyncio.CancelledError:
        say(f"{name}: canceled")
        raise


async def body():
    queue = asyncio.Queue(3)
    try:
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            for name in ["a", "b"]:
                group.create_task(worker(name, queue))
            for value in [10, 35, 20, 40, 50, 60]:
                await queue.put(value)
                say(f"put {value}")
            say(f"join: {await outcome(queue.join())}")
            await asyncio.sleep(0)
    except ExceptionGroup as e:
        say(f"group: {e.exceptions[0]}")
    say(f"left: {queue.qsize()}")


main(body)
