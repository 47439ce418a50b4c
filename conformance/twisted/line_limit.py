"""Rule 34: a line that is too long, with its end or without, ends the connection with all that is left."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import basic


class Lines(basic.LineReceiver):
    MAX_LENGTH = 10

    def lineReceived(self, line):
        say(f"line: {line.decode()}")

    def lineLengthExceeded(self, line):
        say(f"too long: {line.decode().encode('unicode_escape').decode()}")
        return super().lineLengthExceeded(line)

    def connectionLost(self, reason):
        say("lost")


async def body():
    for chunks in [
        ["short\r\n0123456789\r\n", "01234", "56789\r\n"],
        ["0123456789a\r\nnext\r\n"],
        ["0123456789a", "b"],
        ["0123456789\r", "\n", "ok\r\n0123456789ab"],
    ]:
        say("new connection")
        server, client = Lines(), Recorder("client", quiet=True)
        await connect(server, client)
        for chunk in chunks:
            client.transport.write(chunk.encode())
            await sleep(0.01)
        client.transport.loseConnection()
        await sleep(0.01)


run(body)
