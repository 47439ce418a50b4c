"""A running loop can be neither run nor closed, and a closed one takes nothing more."""

from trace import new_loop, say

loop = new_loop()


async def nothing():
    pass


def attempt(what, f, *args):
    try:
        f(*args)
        say(f"{what}: done")
    except RuntimeError:
        say(f"{what}: refused")


def run():
    coroutine = nothing()
    attempt("run a running loop", loop.run_until_complete, coroutine)
    coroutine.close()
    attempt("close a running loop", loop.close)
    loop.call_soon(loop.stop)
    loop.call_soon(lambda: loop.call_soon(say, "never"))


loop.call_soon(run)
loop.run_forever()
attempt("close", loop.close)
attempt("call_soon on a closed loop", loop.call_soon, print)
attempt("run a closed loop", loop.run_forever)
