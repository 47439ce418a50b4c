"""A process's input is a connection that can be closed; a signal ends what does not end by itself."""

from trace import reactor, run, say, word
from twisted.internet import defer, protocol


class Process(protocol.ProcessProtocol):
    def __init__(self):
        self.over = defer.Deferred()
        self.output = b""

    def connectionMade(self):
        say("started")
        self.transport.write(b"some ")
        self.transport.write(b"input")
        self.transport.closeStdin()

    def outReceived(self, data):
        self.output += data

    def processEnded(self, reason):
        say(f"output: {self.output.decode().strip()}")
        say(f"ended: {word(reason)}")
        self.over.callback(None)


async def body():
    process = Process()
    reactor.spawnProcess(process, "/bin/cat", ["cat"], {})
    await process.over
    process = Process()
    transport = reactor.spawnProcess(process, "/bin/sh", ["sh", "-c", "echo ready; exec sleep 60"], {})
    while not process.output:
        d = defer.Deferred()
        reactor.callLater(0, d.callback, None)
        await d
    transport.signalProcess("TERM")
    await process.over


run(body)
