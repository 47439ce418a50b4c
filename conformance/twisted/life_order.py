"""Rule 23: a protocol is built, then told that it is connected; then the endpoint's Deferred fires; the end comes last."""

from trace import Recorder, factory, new_address, reactor, run, say, sleep
from twisted.internet import endpoints, protocol


async def body():
    server, client = Recorder("server", quiet=True), Recorder("client", quiet=True)

    def build():
        server.tell("build")
        return server

    address = new_address()
    port = await endpoints.UNIXServerEndpoint(reactor, address).listen(factory(build))
    connecting = endpoints.UNIXClientEndpoint(reactor, address).connect(factory(lambda: client))
    connecting.addCallback(lambda p: client.tell("connected"))
    say("connecting")
    await sleep(0.01)
    client.transport.write(b"hello")
    await sleep(0.01)
    server.transport.write(b"welcome")
    await sleep(0.01)
    client.transport.loseConnection()
    client.tell("closes")
    await sleep(0.01)
    server.say_all()
    client.say_all()
    await port.stopListening()


run(body)
