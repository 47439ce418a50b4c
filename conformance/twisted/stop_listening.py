"""Rule 28: stopListening keeps the connections that were accepted, and refuses any more."""

from trace import Recorder, client_factory, end, factory, new_address, reactor, run, say, sleep
from twisted.internet import endpoints


async def body():
    server, client = Recorder("server"), Recorder("client", quiet=True)
    address = new_address()
    port = reactor.listenUNIX(address, factory(lambda: server))
    reactor.connectUNIX(address, client_factory(client))
    await sleep(0.01)
    await port.stopListening()
    say("no longer listening")
    late = endpoints.UNIXClientEndpoint(reactor, address).connect(factory(lambda: Recorder("late")))
    late.addBoth(end("late"))
    await sleep(0.01)
    client.transport.write(b"still here")
    await sleep(0.01)
    client.transport.loseConnection()
    await sleep(0.01)


run(body)
