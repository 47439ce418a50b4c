"""Rule 30: to stop a reactor that is stopping is an error, and so is to run it a second time."""

from trace import attempt, reactor, say


def body():
    say("running")
    attempt("stop", reactor.stop)
    attempt("stop again", reactor.stop)
    say("body ends")


reactor.callWhenRunning(body)
reactor.run()
say("stopped")
reactor.callWhenRunning(lambda: (say("running again"), reactor.stop()))
attempt("run again", reactor.run)
