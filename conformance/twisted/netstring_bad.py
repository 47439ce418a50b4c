"""Rule 36: netstrings; a leading zero, a missing comma or colon, or a length above the limit ends the connection."""

from trace import Recorder, connect, run, say, sleep
from twisted.protocols import basic


class Netstrings(basic.NetstringReceiver):
    MAX_LENGTH = 12

    def stringReceived(self, string):
        say(f"string: {string.decode()}")

    def connectionLost(self, reason):
        say("lost")


async def body():
    for chunks in [
        ["5:hello,0:,", "3:a", "bc,12:hello, world,"],
        ["1:a,01:b,1:c,"],
        ["1:a,2:bcd,1:e,"],
        ["1:a,x:b,"],
        ["1:a,13:"],
        ["1:a,13"],
        ["1:a,120"],
    ]:
        say(f"new connection: {' | '.join(chunks)}")
        server, client = Netstrings(), Recorder("client", quiet=True)
        await connect(server, client)
        for chunk in chunks:
            client.transport.write(chunk.encode())
            await sleep(0.01)
        say("client closes")
        client.transport.loseConnection()
        await sleep(0.01)


run(body)
