"""Rule 3: a chain waits for a Deferred that a callback returns, and takes its result: a second one gets nothing."""

from trace import Boom, end, say, show
from twisted.internet import defer

inner = defer.Deferred()
for name in ["a", "b"]:
    d = defer.succeed(name)
    d.addBoth(show(name))
    d.addCallback(lambda v: inner)
    d.addBoth(show(f"{name} then"))
say("both wait")
inner.callback("inner's")
inner.addBoth(end("inner"))

fired = defer.succeed("fired")
defer.succeed("c").addCallback(lambda v: fired).addBoth(end("c"))
fired.addBoth(end("fired"))

failing = defer.Deferred()
defer.succeed("d").addCallback(lambda v: failing).addErrback(end("d"))
failing.errback(Boom("boom"))
failing.addBoth(end("failing"))

late = defer.Deferred()
d = defer.Deferred().addErrback(lambda f: late).addBoth(end("e"))
d.errback(Boom("boom"))
say("waits for late")
late.callback("rescued")
