"""Rule 28: a connection for which no protocol is built is closed; the next one is served."""

from trace import Recorder, client_factory, factory, new_address, reactor, run, say, sleep


async def body():
    servers = iter([None, Recorder("server", quiet=True)])
    address = new_address()
    port = reactor.listenUNIX(address, factory(lambda: next(servers)))
    for name in ["first", "second"]:
        client = Recorder(name, quiet=True)
        reactor.connectUNIX(address, client_factory(client))
        await sleep(0.01)
        client.say_all()
    client.transport.loseConnection()
    await sleep(0.01)
    await port.stopListening()
    say("end")


run(body)
