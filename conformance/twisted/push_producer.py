"""Rule 27: a push producer is paused within write, once there is too much, and resumed when the peer has read."""

from trace import Recorder, connect, run, say, sleep
from twisted.internet import interfaces
from zope.interface import implementer

MUCH = 4 << 20


@implementer(interfaces.IPushProducer)
class Producer:
    def pauseProducing(self):
        say("pause")

    def resumeProducing(self):
        say("resume")

    def stopProducing(self):
        say("stop")


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.pauseProducing()
    server.transport.registerProducer(Producer(), True)
    say("write")
    server.transport.write(bytes(MUCH))
    say("written")
    await sleep(0.01)
    say("client reads")
    client.transport.resumeProducing()
    await sleep(0.01)
    server.transport.unregisterProducer()
    server.transport.loseConnection()
    await client.lost
    say(f"client got {client.got} bytes")


run(body)
