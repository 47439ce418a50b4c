"""Trace 9: a client asks and ends its stream, the server answers and ends its own; each end is told of both."""

from trace import Recorder, connect, run, sleep
from twisted.internet import interfaces
from zope.interface import implementer


@implementer(interfaces.IHalfCloseableProtocol)
class Half(Recorder):
    def readConnectionLost(self):
        self.tell("end of stream")
        if self.name == "server":
            self.transport.write(b"bye")
            self.transport.loseConnection()
        else:
            self.transport.loseConnection()

    def writeConnectionLost(self):
        pass  # which Corolla does not tell


async def body():
    server, client = Half("server", quiet=True), Half("client", quiet=True)
    await connect(server, client)
    client.transport.write(b"request")
    client.transport.loseWriteConnection()
    await sleep(0.01)
    server.say_all()
    client.say_all()


run(body)
