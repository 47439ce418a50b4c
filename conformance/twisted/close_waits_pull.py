"""Rule 25: loseConnection waits for a pull producer, which is asked again whenever what it wrote is sent."""

from trace import Recorder, connect, run, say
from twisted.internet import interfaces
from zope.interface import implementer


@implementer(interfaces.IPullProducer)
class Producer:
    chunks = [b"one ", b"two ", b"three"]

    def __init__(self, transport):
        self.transport = transport

    def resumeProducing(self):
        chunk, *self.chunks = self.chunks
        say(f"asked for {chunk.decode().strip()}")
        self.transport.write(chunk)
        if not self.chunks:
            self.transport.unregisterProducer()

    def stopProducing(self):
        say("stop")


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    server.transport.registerProducer(Producer(server.transport), False)
    say("registered")
    server.transport.loseConnection()
    await client.lost
    say(f"client got {client.got} bytes")


run(body)
