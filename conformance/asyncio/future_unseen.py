"""An error that nobody looked at is reported when the garbage collector finds it."""

import asyncio
from trace import main, say


async def body():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: say(f"unseen: {context['exception']}"))
    future = loop.create_future()
    future.set_exception(ValueError("lost"))
    del future
    future = loop.create_future()
    future.set_exception(ValueError("seen"))
    say(f"looked at: {future.exception()}")
    del future
    await asyncio.sleep(0.01)
    say("end")


main(body)
