"""callWhenRunning before run waits for it, in order; the reactor then runs until it is stopped."""

from trace import reactor, say

reactor.callWhenRunning(say, "first")
reactor.callWhenRunning(say, "second")
reactor.callLater(0.01, lambda: (say("stop"), reactor.stop(), say("stop returned")))
reactor.callLater(0.02, say, "never")
say("before run")
reactor.run()
say("stopped")
