"""Datagrams keep their bounds, an empty one is delivered; a handler that raises is logged, and the socket stays open."""

from trace import Boom, on_logged, reactor, run, say
from twisted.internet import defer, protocol

on_logged(lambda error: say(f"logged: {error}"))


class Receiver(protocol.DatagramProtocol):
    def datagramReceived(self, data, address):
        say(f"got {len(data)} bytes")
        arrived, self.arrived = self.arrived, None
        arrived.callback(None)
        if data == b"bad":
            raise Boom("boom")


async def body():
    receiver = Receiver()
    port = reactor.listenUDP(0, receiver, interface="127.0.0.1")
    sender = protocol.DatagramProtocol()
    other = reactor.listenUDP(0, sender, interface="127.0.0.1")
    for data in [b"one", b"", b"bad", bytes(8192), bytes(8193)]:
        receiver.arrived = defer.Deferred()
        sender.transport.write(data, ("127.0.0.1", port.getHost().port))
        await receiver.arrived
    await port.stopListening()
    await other.stopListening()


run(body)
