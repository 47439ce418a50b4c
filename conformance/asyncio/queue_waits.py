"""put waits for room and get for a value, each in line; join waits until all is reported as done."""

import asyncio
from trace import main, say


async def body():
    queue = asyncio.Queue(1)

    async def producer(name):
        for n in range(2):
            await queue.put(f"{name}{n}")
            say(f"put {name}{n}")

    async def consumer():
        while True:
            value = await queue.get()
            say(f"got {value}")
            await asyncio.sleep(0.01)
            queue.task_done()

    producers = [asyncio.create_task(producer(name)) for name in "ab"]
    await asyncio.sleep(0.01)
    task = asyncio.create_task(consumer())
    await asyncio.gather(*producers)
    await queue.join()
    say("joined")
    task.cancel()


main(body)
