"""A gather of gathers: a grandchild fails, another is canceled, and the rest carries on."""

import asyncio
from trace import main, outcome, say, word


async def sleeper(name, ms):
    await asyncio.sleep(ms / 1000)
    if name.startswith("bad"):
        raise ValueError(name)
    say(f"{name} ends")
    return name


async def body():
    c = asyncio.create_task(sleeper("c", 30))
    first = asyncio.gather(sleeper("a", 40), sleeper("bad b", 20))
    second = asyncio.gather(c, sleeper("d", 50))
    third = asyncio.gather(sleeper("e", 10), sleeper("f", 30))
    asyncio.get_running_loop().call_later(0.005, c.cancel)
    results = await asyncio.gather(first, second, third, return_exceptions=True)
    say("; ".join(" ".join(r) if isinstance(r, list) else word(r) for r in results))
    await asyncio.sleep(0.03)
    say("end")


main(body)
