"""A call can be canceled and moved until it is called or canceled; later that is refused, and so is a delay below 0."""

from trace import attempt, reactor, run, say, sleep


async def body():
    called = reactor.callLater(0.01, say, "called")
    canceled = reactor.callLater(0.01, say, "canceled")
    attempt("cancel", canceled.cancel)
    attempt("cancel again", canceled.cancel)
    attempt("reset what is canceled", canceled.reset, 0.01)
    await sleep(0.02)
    attempt("cancel what was called", called.cancel)
    attempt("reset what was called", called.reset, 0.01)
    attempt("negative delay", reactor.callLater, -1, say, "negative")
    await sleep(0.02)
    say("end")


run(body)
