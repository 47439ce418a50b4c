"""wait never fails when its time is up, and cancels nothing; of nothing it is refused."""

import asyncio
from trace import main, outcome, say


async def sleeper(name, ms):
    await asyncio.sleep(ms / 1000)
    say(f"{name} ends")


async def body():
    tasks = [asyncio.create_task(sleeper("a", 10)), asyncio.create_task(sleeper("b", 30))]
    done, pending = await asyncio.wait(tasks, timeout=0.02)
    say(f"done {len(done)}, pending {len(pending)}")
    done, pending = await asyncio.wait(tasks)
    say(f"done {len(done)}, pending {len(pending)}")
    try:
        await asyncio.wait([])
    except ValueError:
        say("of nothing: refused")


main(body)
