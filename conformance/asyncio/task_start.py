"""A task takes its first step in the next iteration, behind what is ready."""

import asyncio
from trace import main, outcome, say


async def step(name):
    say(f"{name} begins")
    await asyncio.sleep(0)
    say(f"{name} ends")
    return name


async def body():
    loop = asyncio.get_running_loop()
    loop.call_soon(say, "ready before")
    a, b = loop.create_task(step("a")), loop.create_task(step("b"))
    loop.call_soon(say, "ready after")
    say("started")
    say(await outcome(b))
    say(await outcome(a))


main(body)
