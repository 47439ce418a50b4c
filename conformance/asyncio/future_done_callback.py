"""Rule 9: a callback of a settled future is called later; a removed one never, even if it was about to."""

import asyncio
from trace import main, say, yes


async def body():
    future = asyncio.get_running_loop().create_future()
    removed = lambda f: say("removed callback")
    future.add_done_callback(removed)
    say(f"removed: {yes(future.remove_done_callback(removed))}")
    say(f"removed: {yes(future.remove_done_callback(removed))}")
    future.set_result(7)
    future.add_done_callback(lambda f: say(f"called with {f.result()}"))
    say("registered")
    await asyncio.sleep(0.01)
    say("end")


main(body)
