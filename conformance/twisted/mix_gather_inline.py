"""inlineCallbacks gathers Deferreds, one of which has a timeout; it catches the error, and waits for the rest."""

from trace import end, reactor, run, say, show, sleep, word
from twisted.internet import defer


def work(name, ms):
    return sleep(ms / 1000).addCallback(lambda v: name).addBoth(show(name))


@defer.inlineCallbacks
def gathers():
    a, b, c = work("a", 10), work("b", 40).addTimeout(0.025, reactor), work("c", 30)
    try:
        values = yield defer.gatherResults([a, b, c], consumeErrors=True)
        say(f"got {values}")
    except defer.FirstError as e:
        say(f"gather: {word(e)}")
    v = yield c
    say(f"c is {v}")
    values = yield defer.gatherResults([work("d", 20).addTimeout(0.1, reactor), work("e", 10)])
    say(f"got {' '.join(values)}")
    return "result"


async def body():
    await gathers().addBoth(end("gathers"))


run(body)
