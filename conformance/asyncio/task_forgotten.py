"""A task that nothing refers to, not even what it waits for, vanishes when the garbage collector runs."""

import asyncio
import gc
from trace import main, say


async def forgotten():
    try:
        say("begins")
        await asyncio.get_running_loop().create_future()
    finally:
        say("is ended")


async def body():
    asyncio.create_task(forgotten())
    await asyncio.sleep(0.01)
    gc.collect()
    say("garbage is collected")
    await asyncio.sleep(0.01)
    say("main ends")


main(body)
