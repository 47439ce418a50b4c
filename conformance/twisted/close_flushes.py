"""Rule 24: loseConnection sends what was written; plain sockets send what is written later, too."""

from trace import Recorder, connect, run, say

MUCH = 300000


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.pauseProducing()
    server.transport.write(bytes(MUCH))
    server.transport.loseConnection()
    server.transport.write(b"AFTER")
    say("closed")
    client.transport.resumeProducing()
    await client.lost
    say(f"client got {client.got} bytes")


run(body)
