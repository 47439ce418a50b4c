"""Rule 17: an exception that means no failure is refused (TypeError; it becomes RuntimeError in later versions)."""

import asyncio
from trace import main, outcome, say, yes


async def body():
    future = asyncio.get_running_loop().create_future()
    try:
        future.set_exception(StopIteration())
        say("accepted")
    except TypeError:
        say("refused")
    say(f"done {yes(future.done())}")
    future.set_exception(ValueError("bad"))
    say(await outcome(future))


main(body)
