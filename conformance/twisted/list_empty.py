"""Rule 12: a list of no Deferreds fires at once, but never if it is to fire at the first value."""

from trace import run, say, sleep
from twisted.internet import defer


async def body():
    defer.DeferredList([]).addCallback(lambda v: say(f"all: {len(v)}"))
    defer.gatherResults([]).addCallback(lambda v: say(f"gather: {len(v)}"))
    defer.DeferredList([], fireOnOneErrback=True).addCallback(lambda v: say(f"all, first error: {len(v)}"))
    defer.DeferredList([], fireOnOneCallback=True).addCallback(lambda v: say("first fired"))
    await sleep(0.01)
    say("end")


run(body)
