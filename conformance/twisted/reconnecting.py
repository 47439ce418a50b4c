"""Rule 21: ReconnectingClientFactory waits e times longer each time, at most maxDelay; resetDelay begins anew."""

from trace import Recorder, new_address, reactor, run, say, sleep
from twisted.internet import protocol


class Factory(protocol.ReconnectingClientFactory):
    noisy = False
    jitter = 0
    maxDelay = 10

    def startedConnecting(self, connector):
        say("connecting")

    def buildProtocol(self, address):
        self.resetDelay()
        return Recorder("client")

    def clientConnectionFailed(self, connector, reason):
        super().clientConnectionFailed(connector, reason)
        say(f"failed, waits {self.delay:.3f} s")


async def body():
    factory = Factory()
    reactor.connectUNIX(new_address(), factory)
    await sleep(30)
    factory.stopTrying()
    await sleep(30)
    say("end")


run(body)
