"""Callbacks, futures, tasks, events and queues that are ready in the same instant: in which order do they go on?"""

import asyncio
from trace import main, say


async def body():
    loop = asyncio.get_running_loop()
    future, event, queue, lock = loop.create_future(), asyncio.Event(), asyncio.Queue(), asyncio.Lock()

    async def waits(name, awaitable):
        await awaitable
        say(f"{name} goes on")
        loop.call_soon(say, f"callback of {name}")
        await asyncio.sleep(0)
        say(f"{name} ends")

    await lock.acquire()
    for name, awaitable in [("q", queue.get()), ("f", future), ("l", lock.acquire()), ("e", event.wait())]:
        loop.create_task(waits(name, awaitable))
    future.add_done_callback(lambda f: say("future is done"))
    await asyncio.sleep(0.01)
    loop.call_soon(say, "first")
    event.set()
    future.set_result(1)
    lock.release()
    queue.put_nowait(1)
    loop.call_soon(say, "last")
    say("all are ready")
    await asyncio.sleep(0.01)


main(body)
