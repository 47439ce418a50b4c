"""A DeferredList of coroutines that share a DeferredSemaphore; one fails, one is canceled; the list tells of all."""

from trace import Boom, run, say, sleep, word
from twisted.internet import defer


async def body():
    places = defer.DeferredSemaphore(2)

    async def work(name, ms, error=None):
        await places.acquire()
        say(f"{name} begins")
        try:
            await sleep(ms / 1000)
            if error:
                raise error
            return name
        finally:
            places.release()
            say(f"{name} ends")

    work_of = [("a", 30), ("b", 10, Boom("boom")), ("c", 50), ("d", 10), ("e", 10)]
    ds = [defer.ensureDeferred(work(*args)) for args in work_of]
    every = defer.DeferredList(ds, consumeErrors=True)
    await sleep(0.015)
    say("cancel c and e")
    ds[2].cancel()
    ds[4].cancel()
    results = await every
    say("all: " + " ".join(v if ok else word(v) for ok, v in results))


run(body)
