"""run_until_complete fails if the loop is stopped before its main task has ended; the task goes on the next time."""

import asyncio
from trace import new_loop, say

loop = new_loop()


async def main():
    say("main begins")
    await asyncio.sleep(0.02)
    say("main ends")
    loop.call_soon(loop.stop)


loop.call_later(0.01, loop.stop)
try:
    loop.run_until_complete(main())
    say("done")
except RuntimeError:
    say("stopped early")
loop.run_forever()
