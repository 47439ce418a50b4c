"""A barrier gives each task its index; a canceled one does not break it, abort does, and reset mends it."""

import asyncio
from trace import main, outcome, say


async def body():
    barrier = asyncio.Barrier(3)

    async def arrive(name):
        try:
            say(f"{name}: index {await barrier.wait()}")
        except asyncio.BrokenBarrierError:
            say(f"{name}: broken")

    def start(names):
        return [asyncio.create_task(arrive(name)) for name in names]

    tasks = start("ab")
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    tasks += start("c")
    await asyncio.sleep(0.01)
    tasks += start("d")
    await asyncio.wait(tasks)
    tasks = start("e")
    await asyncio.sleep(0.01)
    await barrier.abort()
    await asyncio.wait(tasks + start("f"))
    await barrier.reset()
    await asyncio.wait(start("ghi"))


main(body)
