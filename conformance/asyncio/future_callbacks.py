"""Rule 8: settling a future runs no callback at once; they run in the next iteration, in the order of registration."""

import asyncio
from trace import main, outcome, say


async def waiter(name, future):
    say(f"{name}: {await outcome(future)}")


async def body():
    loop = asyncio.get_running_loop()
    for settle in ["value", "error", "cancel"]:
        future = loop.create_future()
        future.add_done_callback(lambda f: say("first"))
        task = loop.create_task(waiter("second", future))
        await asyncio.sleep(0)
        future.add_done_callback(lambda f: say("third"))
        if settle == "value":
            future.set_result(1)
        elif settle == "error":
            future.set_exception(ValueError("bad"))
        else:
            future.cancel()
        say(f"settled: {settle}")
        await task


main(body)
