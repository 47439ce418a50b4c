"""Rule 25: of nested timeouts, the one whose time is up says so; the other lets a cancel pass."""

import asyncio
from trace import main, outcome, say, word


async def inner(seconds):
    async with asyncio.timeout(seconds):
        await asyncio.sleep(10)


async def outer(seconds, inner_seconds):
    async with asyncio.timeout(seconds):
        try:
            await inner(inner_seconds)
        except (TimeoutError, asyncio.CancelledError) as e:
            say(f"inner: {word(e)}")
            raise


async def body():
    say(f"outer: {await outcome(outer(0.01, 0.02))}")
    say(f"outer: {await outcome(outer(0.02, 0.01))}")


main(body)
