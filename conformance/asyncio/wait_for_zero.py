"""Rule 22: with no time, wait_for never starts a coroutine, but returns a result that is there already."""

import asyncio
from trace import main, outcome, say


async def never():
    say("never")


async def body():
    say(f"a coroutine: {await outcome(asyncio.wait_for(never(), 0))}")
    future = asyncio.get_running_loop().create_future()
    say(f"a pending future: {await outcome(asyncio.wait_for(future, 0))}, then {await outcome(future)}")
    future = asyncio.get_running_loop().create_future()
    future.set_result(7)
    say(f"a settled future: {await outcome(asyncio.wait_for(future, 0))}")


main(body)
