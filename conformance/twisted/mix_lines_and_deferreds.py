"""A server works on a line for some time, and holds the next ones meanwhile; it hears of the end only then."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import basic


class Server(basic.LineReceiver):
    def lineReceived(self, line):
        say(f"line: {line.decode()}")
        self.pauseProducing()
        sleep(int(line.decode()) / 1000).addCallback(self.worked, line)

    def worked(self, _, line):
        say(f"worked on {line.decode()}")
        self.sendLine(b"done " + line)
        self.resumeProducing()

    def connectionLost(self, reason):
        say("lost")


async def body():
    client = Recorder("client", quiet=True)
    await connect(Server(), client)
    client.transport.write(b"30\r\n20\r\n")
    await sleep(0.025)
    client.transport.write(b"40\r\n")
    await sleep(0.05)
    client.transport.loseWriteConnection()
    say("client has said all")
    await sleep(0.05)
    client.say_all()


run(body)
