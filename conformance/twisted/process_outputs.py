"""Rule 32: processEnded comes once the outputs are closed, too, which a child of the process may hold open."""

import os
import tempfile
from trace import reactor, run, say, word
from twisted.internet import defer, protocol


GO = os.path.join(tempfile.mkdtemp(), "go")


class Process(protocol.ProcessProtocol):
    def __init__(self):
        self.over = defer.Deferred()

    def outReceived(self, data):
        say(f"output: {data.decode().strip()}")

    def processExited(self, reason):
        say(f"exited: {word(reason)}")
        open(GO, "w").close()

    def processEnded(self, reason):
        say("ended")
        self.over.callback(None)


async def body():
    process = Process()
    late = f"(while ! test -e {GO}; do sleep 0.01; done; echo from the child) & exit 0"
    reactor.spawnProcess(process, "/bin/sh", ["sh", "-c", late], {"PATH": "/bin:/usr/bin"})
    await process.over
    os.remove(GO)
    os.rmdir(os.path.dirname(GO))


run(body)
