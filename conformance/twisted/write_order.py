"""Writes leave in their order, whether single or as a sequence; pauseProducing holds data back."""

from trace import Recorder, connect, run, say, sleep


async def body():
    server, client = Recorder("server", quiet=True), Recorder("client")
    await connect(server, client)
    server.transport.write(b"one ")
    server.transport.writeSequence([b"two ", b"three "])
    server.transport.write(b"four")
    await sleep(0.01)
    client.transport.pauseProducing()
    server.transport.write(b"held ")
    await sleep(0.01)
    server.transport.write(b"back")
    await sleep(0.01)
    say("resume")
    client.transport.resumeProducing()
    await sleep(0.01)
    server.transport.loseConnection()
    await client.lost


run(body)
