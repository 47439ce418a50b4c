"""Rule 30: shutdown triggers run after stop has returned."""

from trace import reactor, run, say


async def body():
    reactor.addSystemEventTrigger("before", "shutdown", say, "trigger")
    gone = reactor.addSystemEventTrigger("before", "shutdown", say, "removed trigger")
    reactor.removeSystemEventTrigger(gone)
    say("body ends")


run(body)
say("the loop has ended")
