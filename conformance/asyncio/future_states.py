"""A future has a result once, and can be canceled only before that."""

import asyncio
from trace import main, say, yes


def attempt(f, *args):
    try:
        return f(*args)
    except asyncio.InvalidStateError:
        return "refused"


async def body():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    say(f"result while pending: {attempt(future.result)}")
    say(f"done {yes(future.done())}, canceled {yes(future.cancelled())}")
    future.set_result(1)
    say(f"second result: {attempt(future.set_result, 2)}")
    say(f"error after the result: {attempt(future.set_exception, ValueError('bad'))}")
    say(f"cancel after the result: {yes(future.cancel())}")
    say(f"result: {future.result()}")
    future = loop.create_future()
    say(f"cancel: {yes(future.cancel())}")
    say(f"cancel again: {yes(future.cancel())}")
    say(f"result after the cancel: {attempt(future.set_result, 3)}")
    say(f"done {yes(future.done())}, canceled {yes(future.cancelled())}")


main(body)
