"""TimeoutMixin: a connection is lost when nothing has reset its timeout for so long."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import policies


class Idle(Recorder, policies.TimeoutMixin):
    def connectionMade(self):
        super().connectionMade()
        self.setTimeout(0.05)

    def dataReceived(self, data):
        self.resetTimeout()
        super().dataReceived(data)

    def timeoutConnection(self):
        self.tell("timed out")
        super().timeoutConnection()


async def body():
    server, client = Idle("server"), Recorder("client", quiet=True)
    await connect(server, client)
    await sleep(0.03)
    client.transport.write(b"one")
    await sleep(0.03)
    client.transport.write(b"two")
    await client.lost
    client.say_all()


run(body)
