"""Rule 29: at the end of the peer's stream what is not sent yet is dropped."""

from trace import Recorder, connect, run, say, sleep, yes

MUCH = 4 << 20


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    await connect(server, client)
    client.transport.pauseProducing()
    server.transport.write(bytes(MUCH))
    await sleep(0.01)
    client.transport.loseWriteConnection()
    await sleep(0.01)
    say("client reads")
    client.transport.resumeProducing()
    await client.lost
    await sleep(0.01)
    say(f"client got all: {yes(client.got == MUCH)}")


run(body)
