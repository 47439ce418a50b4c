"""Rule 30: a task cannot be started in a group that is over or aborting."""

import asyncio
from trace import main, say


async def never():
    say("never")


def attempt(what, group):
    coroutine = never()
    try:
        group.create_task(coroutine)
        say(f"{what}: started")
    except RuntimeError:
        say(f"{what}: refused")
        coroutine.close()


async def fails():
    await asyncio.sleep(0.01)
    raise ValueError("bad")


async def body():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            try:
                await asyncio.sleep(10)
            finally:
                attempt("while aborting", group)
    except ExceptionGroup as e:
        say(f"group: {e.exceptions[0]}")
    attempt("when over", group)


main(body)
