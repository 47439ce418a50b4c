"""Rule 16: release runs the next who waits before it returns; one release too many is refused."""

from trace import attempt, end, say
from twisted.internet import defer

lock = defer.DeferredLock()


def holder(name, releases):
    def got(held):
        say(f"{name} has it")
        if releases:
            held.release()
            say(f"{name} has released it")

    return got


lock.acquire().addCallback(holder("a", False))
lock.acquire().addCallback(holder("b", False))
waiting = lock.acquire().addCallback(holder("c", True))
waiting.addErrback(end("c"))
lock.acquire().addCallback(holder("d", True))
say("all asked")
waiting.cancel()
lock.release()
say("a has released it")
lock.release()
say("b has released it")
attempt("one more", lock.release)
