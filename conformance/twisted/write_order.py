"""Writes leave in their order, whether single or as a sequence; pauseProducing holds data back."""

from trace import Recorder, connect, run, say, sleep


class Text(Recorder):
    def __init__(self):
        super().__init__("client", quiet=True)
        self.text = ""

    def dataReceived(self, data):
        self.text += data.decode()

    def say_text(self):
        say(f"client got: {self.text}")


async def body():
    server, client = Recorder("server", quiet=True), Text()
    await connect(server, client)
    server.transport.write(b"one ")
    server.transport.writeSequence([b"two ", b"three "])
    server.transport.write(b"four")
    await sleep(0.01)
    client.say_text()
    client.transport.pauseProducing()
    server.transport.write(b" held")
    await sleep(0.01)
    server.transport.write(b" back")
    await sleep(0.01)
    client.say_text()
    client.transport.resumeProducing()
    await sleep(0.01)
    client.say_text()
    server.transport.loseConnection()
    await client.lost


run(body)
