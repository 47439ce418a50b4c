"""Rule 27: if the task is canceled as well, a timeout ends as a cancel, not as a timeout."""

import asyncio
from trace import main, outcome, say


async def work():
    try:
        async with asyncio.timeout(0.01):
            try:
                await asyncio.sleep(10)
            finally:
                say("time is up")
                asyncio.current_task().cancel()
    except TimeoutError:
        say("timeout")
    except asyncio.CancelledError:
        say("canceled")
        raise


async def body():
    say(f"task: {await outcome(asyncio.create_task(work()))}")


main(body)
