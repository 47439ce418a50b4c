"""Releasing a lock that is not held, or more of a bounded semaphore than was acquired, is refused; so is notify without the lock."""

import asyncio
from trace import main, say


def attempt(what, f):
    try:
        f()
        say(f"{what}: done")
    except (RuntimeError, ValueError):
        say(f"{what}: refused")


async def body():
    attempt("release a lock", asyncio.Lock().release)
    attempt("release a semaphore", asyncio.Semaphore(1).release)
    attempt("release a bounded semaphore", asyncio.BoundedSemaphore(1).release)
    attempt("notify without the lock", asyncio.Condition().notify)
    attempt("task_done of an empty queue", asyncio.Queue().task_done)


main(body)
