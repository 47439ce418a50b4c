"""Queues: first in first out, by priority, last in first out; full and empty ones refuse what must not wait."""

import asyncio
from trace import main, say


async def body():
    for kind in [asyncio.Queue, asyncio.PriorityQueue, asyncio.LifoQueue]:
        queue = kind(3)
        for n in [3, 1, 2]:
            queue.put_nowait(n)
        try:
            queue.put_nowait(4)
        except asyncio.QueueFull:
            say("full")
        say(" ".join([str(queue.get_nowait()) for _ in range(3)]))
        try:
            queue.get_nowait()
        except asyncio.QueueEmpty:
            say("empty")


main(body)
