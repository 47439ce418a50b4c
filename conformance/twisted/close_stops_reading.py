"""Rule 24: loseConnection stops reading at once, although there is still something to send."""

from trace import Recorder, connect, run, say, sleep

MUCH = 4 << 20


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.write(b"before")
    await sleep(0.01)
    client.transport.pauseProducing()
    server.transport.write(bytes(MUCH))
    server.transport.loseConnection()
    server.transport.loseConnection()
    say("closed")
    client.transport.write(b"after")
    await sleep(0.01)
    say("client reads")
    client.transport.resumeProducing()
    await client.lost
    await server.lost
    say(f"client got {client.got} bytes")


run(body)
