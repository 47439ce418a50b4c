"""Rule 35: raw mode begins behind the line that asks for it, and leaves what it does not take to the lines."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import basic


class Lines(basic.LineReceiver):
    left = 0
    raw = b""

    def lineReceived(self, line):
        say(f"line: {line.decode()}")
        if line.startswith(b"raw "):
            self.left = int(line[4:])
            self.setRawMode()

    def rawDataReceived(self, data):
        self.raw += data[: self.left]
        rest = data[self.left :]
        self.left -= len(data) - len(rest)
        if self.left == 0:
            say(f"raw: {'|'.join(self.raw.decode().splitlines())}")
            self.raw = b""
            self.setLineMode(rest)


async def body():
    text = b"first\r\nraw 5\r\nab\r\ncsecond\r\nraw 3\r\nxyzraw 1\r\n!third\r\n"
    for size in [len(text), 1, 7]:
        say(f"in pieces of {size}")
        server, client = Lines(), Recorder("client", quiet=True)
        await connect(server, client)
        for i in range(0, len(text), size):
            client.transport.write(text[i : i + size])
            await sleep(0.001)
        client.transport.loseConnection()
        await sleep(0.1)


run(body)
