"""Rule 28: an error in a group cancels the siblings and the body, once; afterwards the parent can wait again."""

import asyncio
from trace import main, say, yes


async def sleeper(name, ms):
    try:
        await asyncio.sleep(ms / 1000)
    except asyncio.CancelledError:
        say(f"{name}: canceled")
        raise
    raise ValueError(f"{name} is bad")


async def body():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeper("a", 10))
            group.create_task(sleeper("b", 20))
            await sleeper("body", 30)
    except ExceptionGroup as e:
        say(f"group: {', '.join(str(x) for x in e.exceptions)}")
    say(f"asked to stop: {yes(asyncio.current_task().cancelling())}")
    await asyncio.sleep(0.01)
    say("end")


main(body)
