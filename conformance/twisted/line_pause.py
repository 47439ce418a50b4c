"""Rule 35: pauseProducing holds lines that have come already, until resumeProducing."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import basic


class Lines(basic.LineReceiver):
    def lineReceived(self, line):
        say(f"line: {line.decode()}")
        if line.startswith(b"pause"):
            self.pauseProducing()


async def body():
    server, client = Lines(), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.write(b"one\r\npause 1\r\ntwo\r\npause 2\r\nthree\r\n")
    await sleep(0.01)
    client.transport.write(b"four\r\n")
    await sleep(0.01)
    for n in [1, 2]:
        say(f"resume {n}")
        server.resumeProducing()
        await sleep(0.01)
    client.transport.loseConnection()
    await sleep(0.01)


run(body)
