"""Rule 24: FIRST_EXCEPTION is no canceled future, and FIRST_COMPLETED is."""

import asyncio
from trace import main, say


async def sleeper(ms, error=None):
    await asyncio.sleep(ms / 1000)
    if error:
        raise ValueError(error)


async def body():
    for until in [asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED]:
        tasks = [asyncio.create_task(sleeper(30)), asyncio.create_task(sleeper(20, "bad")), asyncio.create_task(sleeper(10))]
        asyncio.get_running_loop().call_later(0.005, tasks[2].cancel)
        done, pending = await asyncio.wait(tasks, return_when=until)
        say(f"done {len(done)}, pending {len(pending)}")
        await asyncio.wait(tasks)


main(body)
