"""Rule 16: awaiting oneself, or a future of another loop, fails in the task."""

import asyncio
from trace import main, say


async def attempt(what, awaitable):
    try:
        await awaitable
        say(f"{what}: done")
    except RuntimeError:
        say(f"{what}: refused")


async def body():
    async def awaits_itself():
        await attempt("itself", task)

    task = asyncio.create_task(awaits_itself())
    await task
    other = asyncio.new_event_loop()
    await attempt("a future of another loop", other.create_future())
    other.close()


main(body)
