"""gather is canceled while its children are within timeouts, in a shield and in a lock: who ends when?"""

import asyncio
from trace import main, outcome, say


async def body():
    lock = asyncio.Lock()

    async def holder(name):
        async with asyncio.timeout(1):
            async with lock:
                say(f"{name} has the lock")
                await asyncio.sleep(0.05)

    async def shielded(name):
        async with asyncio.timeout(1):
            await asyncio.shield(inner)

    async def child(name, what):
        say(f"{name}: {await outcome(what(name))}")
        raise asyncio.CancelledError

    inner = asyncio.create_task(asyncio.sleep(0.04, "inner value"))
    everything = asyncio.gather(child("a", holder), child("b", holder), child("c", shielded))
    await asyncio.sleep(0.01)
    everything.cancel()
    say(f"gather: {await outcome(everything)}")
    say(f"inner: {await outcome(inner)}")
    say(f"lock: {await outcome(holder('body'))}")


main(body)
