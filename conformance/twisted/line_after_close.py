"""Rule 34: lines behind one that closes the connection are not delivered, though they came in the same piece."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import basic


class Lines(basic.LineReceiver):
    def lineReceived(self, line):
        say(f"line: {line.decode()}")
        if line == b"quit":
            self.sendLine(b"bye")
            self.transport.loseConnection()

    def connectionLost(self, reason):
        say("lost")


async def body():
    server, client = Lines(), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.write(b"one\r\nquit\r\ntwo\r\n")
    await sleep(0.01)
    client.transport.write(b"three\r\n")
    await sleep(0.01)
    say(f"client got {client.got} bytes")


run(body)
