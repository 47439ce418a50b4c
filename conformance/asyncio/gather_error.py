"""gather fails at once with its first error, and the others carry on; with return_exceptions it waits for all."""

import asyncio
from trace import main, outcome, say, word


async def sleeper(name, ms):
    await asyncio.sleep(ms / 1000)
    if name == "bad":
        raise ValueError("bad")
    say(f"{name} ends")
    return name


async def body():
    say(await outcome(asyncio.gather(sleeper("a", 30), sleeper("bad", 10), sleeper("b", 20))))
    await asyncio.sleep(0.04)
    results = await asyncio.gather(sleeper("a", 30), sleeper("bad", 10), return_exceptions=True)
    say(" ".join(r if isinstance(r, str) else word(r) for r in results))


main(body)
