"""Rule 5: Deferreds that wait for each other, thousands deep, do not use up the stack."""

from trace import end, say
from twisted.internet import defer

DEEP = 5000


def waits_for(inner):
    return defer.succeed(0).addCallback(lambda v: inner).addCallback(lambda v: v + 1)


innermost = d = defer.Deferred()
for n in range(DEEP):
    d = waits_for(d)
d.addBoth(end("unfired innermost"))
say("built")
innermost.callback(1)

d = defer.succeed(1)
for n in range(DEEP):
    d = waits_for(d)
d.addBoth(end("fired innermost"))

d = defer.Deferred()
for n in range(DEEP):
    d.addCallback(lambda v: defer.succeed(v + 1))
d.addBoth(end("one chain"))
d.callback(1)
