"""Rule 27: a second producer is refused; one that comes too late, or whose connection is lost, is stopped."""

from trace import Recorder, attempt, connect, run, say, sleep
from twisted.internet import interfaces
from zope.interface import implementer


@implementer(interfaces.IPushProducer)
class Producer:
    def __init__(self, name):
        self.name = name

    def pauseProducing(self):
        say(f"pause {self.name}")

    def resumeProducing(self):
        say(f"resume {self.name}")

    def stopProducing(self):
        say(f"stop {self.name}")


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    attempt("first", server.transport.registerProducer, Producer("first"), True)
    attempt("second", server.transport.registerProducer, Producer("second"), True)
    client.transport.loseConnection()
    await sleep(0.01)
    attempt("late", server.transport.registerProducer, Producer("late"), True)


run(body)
