"""Rule 7: a Deferred that waits for another passes a cancel on to that; one that is through ignores it."""

from trace import end, say, show
from twisted.internet import defer

innermost = defer.Deferred(lambda d: say("innermost's canceller"))
inner = defer.succeed(1).addCallback(lambda v: innermost).addErrback(lambda f: "calmed")
outer = defer.succeed(2).addCallback(lambda v: inner)
outer.addBoth(show("outer"))
say("cancel")
outer.cancel()
outer.cancel()
innermost.addBoth(end("innermost"))

done = defer.succeed("done")
done.cancel()
done.addBoth(show("done"))

stubborn = defer.Deferred(lambda d: d.callback("stays"))
waiting = defer.succeed(3).addCallback(lambda v: stubborn)
waiting.addBoth(end("waiting"))
waiting.cancel()
