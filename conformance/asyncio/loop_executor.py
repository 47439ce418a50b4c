"""Work elsewhere: its result, its error, and a callback that it posts, which comes first."""

from trace import main, outcome, say
import asyncio


async def body():
    loop = asyncio.get_running_loop()

    def work(n):
        loop.call_soon_threadsafe(say, f"posted {n}")
        if n == 2:
            raise ValueError("bad work")
        return n * 10

    say(await outcome(loop.run_in_executor(None, work, 1)))
    say(await outcome(loop.run_in_executor(None, work, 2)))
    say(await outcome(asyncio.to_thread(work, 3)))


main(body)
