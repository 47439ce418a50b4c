"""Rule 21: if what is in a shield is canceled, so is the shield; an error passes, too."""

import asyncio
from trace import main, outcome, say, yes


async def work():
    await asyncio.sleep(0.02)
    raise ValueError("bad")


async def body():
    inner = asyncio.create_task(work())
    shield = asyncio.shield(inner)
    await asyncio.sleep(0.01)
    inner.cancel()
    say(f"shield: {await outcome(shield)}, canceled {yes(shield.cancelled())}")
    say(f"shield of an error: {await outcome(asyncio.shield(work()))}")


main(body)
