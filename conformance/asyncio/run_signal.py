"""Rule 50: an interrupt cancels the main task, which may clean up, and run ends with it."""

import asyncio
import os
import signal
from trace import new_loop, say


async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(os.kill, os.getpid(), signal.SIGINT)
    try:
        await loop.create_future()
    except asyncio.CancelledError:
        say("main: canceled")
        raise


with asyncio.Runner(loop_factory=new_loop) as runner:
    try:
        runner.run(main())
        say("run: done")
    except KeyboardInterrupt:
        say("run: interrupted")
