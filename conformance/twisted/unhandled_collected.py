"""Rule 10: a failure that nobody has handled is logged when the Deferred is collected, and only then."""

import gc
from trace import Boom, on_logged, say
from twisted.internet import defer

on_logged(lambda error: say(f"logged: {error}"))
d = defer.fail(Boom("handled late"))
gc.collect()
say("still held")
d.addErrback(lambda f: None)
del d
gc.collect()
say("handled and collected")
d = defer.fail(Boom("forgotten"))
gc.collect()
say("held again")
del d
gc.collect()
say("collected")
