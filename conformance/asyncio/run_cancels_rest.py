"""When the main task has ended, run cancels the others and waits for them, and reports their errors."""

import asyncio
from trace import new_loop, outcome, say


async def work(name):
    say(f"{name}: {await outcome(asyncio.sleep(10))}")
    await asyncio.sleep(0.01)
    say(f"{name} ends")
    raise ValueError(f"{name} is bad")


async def main():
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: say(f"handler: {context['exception']}"))
    task = asyncio.create_task(work("task"))
    await asyncio.sleep(0.01)
    say("main ends")
    return task


with asyncio.Runner(loop_factory=new_loop) as runner:
    runner.run(main())
say("end")
