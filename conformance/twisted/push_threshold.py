"""Rule 27: a producer is paused at more than 65536 bytes, not at 65536, even if the system takes them all."""

from trace import Recorder, connect, run, say, sleep
from twisted.internet import interfaces
from zope.interface import implementer


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
    server.transport.registerProducer(Producer(), True)
    for size in [65536, 65537]:
        say(f"write {size}")
        server.transport.write(bytes(size))
        say("written")
        await sleep(0.01)
    server.transport.unregisterProducer()
    server.transport.loseConnection()
    await client.lost
    say(f"client got {client.got} bytes")


run(body)
