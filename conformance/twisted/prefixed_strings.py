"""IntNStringReceiver: strings behind their lengths, of 1, 2 or 4 bytes; one that is too long ends the connection."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import basic


def receiver(base):
    class Strings(base):
        MAX_LENGTH = 20

        def stringReceived(self, string):
            say(f"string: {string.decode()}")

        def lengthLimitExceeded(self, length):
            say("too long")
            super().lengthLimitExceeded(length)

        def connectionLost(self, reason):
            say("lost")

    return Strings()


async def body():
    for size, base in [(1, basic.Int8StringReceiver), (2, basic.Int16StringReceiver), (4, basic.Int32StringReceiver)]:
        say(f"{size} bytes")
        server, client = receiver(base), Recorder("client", quiet=True)
        await connect(server, client)
        for text in [b"hello", b"", b"a string of 20 bytes", b"a string of 21 bytes.", b"no more"]:
            data = len(text).to_bytes(size, "big") + text
            client.transport.write(data[:3])
            await sleep(0.01)
            client.transport.write(data[3:])
            await sleep(0.01)
        client.transport.loseConnection()
        await sleep(0.01)


run(body)
