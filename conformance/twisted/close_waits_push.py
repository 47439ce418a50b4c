"""Rule 25: loseConnection does not wait for a push producer that is not paused."""

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
    server.transport.write(b"one ")
    server.transport.loseConnection()
    say("closed")
    await sleep(0.01)
    server.transport.write(b"two")
    server.transport.unregisterProducer()
    say("unregistered")
    await sleep(0.01)
    client.say_all()


run(body)
