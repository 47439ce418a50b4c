"""Rule 29: the end of the peer's stream is the end of the connection, unless the protocol can be half closed."""

from trace import Recorder, connect, run, say, sleep


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.write(b"last words")
    client.transport.loseWriteConnection()
    await sleep(0.01)
    server.transport.write(b"too late")
    await sleep(0.01)
    client.say_all()


run(body)
