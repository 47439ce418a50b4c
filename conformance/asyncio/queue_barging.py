"""A task that was woken for a queue's value, or for room, and has not run yet: another may be quicker."""

import asyncio
from trace import main, say


def attempt(what, f, *args):
    try:
        say(f"{what}: {f(*args) or 'done'}")
    except (asyncio.QueueEmpty, asyncio.QueueFull):
        say(f"{what}: refused")


async def body():
    queue = asyncio.Queue(1)

    async def get():
        say(f"waiter got {await queue.get()}")

    async def put():
        await queue.put("fourth")
        say("fourth is put")

    waiter = asyncio.create_task(get())
    await asyncio.sleep(0.01)
    attempt("put first", queue.put_nowait, "first")
    attempt("get", queue.get_nowait)
    attempt("put second", queue.put_nowait, "second")
    await waiter
    queue = asyncio.Queue(1)
    attempt("put third", queue.put_nowait, "third")
    putter = asyncio.create_task(put())
    await asyncio.sleep(0.01)
    attempt("get", queue.get_nowait)
    attempt("put fifth", queue.put_nowait, "fifth")
    await asyncio.sleep(0.01)
    attempt("get", queue.get_nowait)
    await putter


main(body)
