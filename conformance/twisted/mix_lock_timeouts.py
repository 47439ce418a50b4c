"""Those who wait for a DeferredLock too long give up; the one behind gets it; who has it too long is canceled."""

from trace import end, reactor, run, say, sleep, yes
from twisted.internet import defer


async def body():
    lock = defer.DeferredLock()

    def work(name, ms):
        def begin():
            say(f"{name} begins")
            return sleep(ms / 1000).addCallback(lambda v: f"{name} worked")

        return begin

    async def later(name, at, takes, limit):
        await sleep(at / 1000)
        say(f"{name} asks")
        await lock.run(work(name, takes)).addTimeout(limit / 1000, reactor).addBoth(end(name))

    await defer.gatherResults(
        defer.ensureDeferred(later(*args))
        for args in [("a", 0, 35, 100), ("b", 1, 10, 20), ("c", 2, 90, 60), ("d", 3, 5, 200), ("e", 80, 5, 100)]
    )
    say(f"locked: {yes(lock.locked)}")


run(body)
