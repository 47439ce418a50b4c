"""Rule 1: a callback added to a Deferred that has fired runs before addCallback returns."""

from trace import end, say, show
from twisted.internet import defer

d = defer.succeed("one")
d.addCallback(show("first"))
say("added")
d.addCallback(lambda v: v + "!").addBoth(show("second"))
pending = defer.Deferred()
pending.addCallback(show("pending")).addCallback(lambda v: v + "!").addBoth(show("then"))
say("not yet")
pending.callback("two")
say("fired")
defer.fail(Exception("bad")).addBoth(end("failed"))
