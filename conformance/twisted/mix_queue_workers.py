"""A LoopingCall puts values in a DeferredQueue from which two workers get them; then the workers are canceled."""

from trace import end, run, say, sleep, word
from twisted.internet import defer, task


async def body():
    queue = defer.DeferredQueue()

    @defer.inlineCallbacks
    def worker(name, takes):
        try:
            while True:
                value = yield queue.get()
                say(f"{name} gets {value}")
                yield sleep(takes / 1000)
                say(f"{name} has done {value}")
        except defer.CancelledError as e:
            say(f"{name}: {word(e)}")
            raise

    workers = [worker("w1", 25).addBoth(end("w1")), worker("w2", 14).addBoth(end("w2"))]
    count = 0

    def put():
        nonlocal count
        count += 1
        say(f"put {count}")
        queue.put(count)
        if count == 5:
            looping.stop()

    looping = task.LoopingCall(put)
    await looping.start(0.01)
    await sleep(0.023)
    queue.put(6)
    await sleep(0.001)
    for w in workers:
        w.cancel()
    await sleep(0.01)
    say("end")


run(body)
