"""Rule 32: a process's exit status or signal; a signal afterwards is refused."""

from trace import attempt, reactor, run, say, word
from twisted.internet import defer, protocol


class Process(protocol.ProcessProtocol):
    def __init__(self):
        self.over = defer.Deferred()
        self.output = b""

    def connectionMade(self):
        say("started")

    def outReceived(self, data):
        self.output += data

    def errReceived(self, data):
        self.output += b"error " + data

    def processExited(self, reason):
        say(f"exited: {word(reason)}")

    def processEnded(self, reason):
        say(f"ended, output: {self.output.decode().strip()}")
        self.over.callback(None)


async def body():
    for command in ["echo hello", "echo no >&2; exit 3", "kill -9 $$"]:
        process = Process()
        transport = reactor.spawnProcess(process, "/bin/sh", ["sh", "-c", command], {})
        await process.over
        attempt("signal", transport.signalProcess, "TERM")


run(body)
