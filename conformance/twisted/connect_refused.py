"""Rule 26: a connection that is refused, and one whose attempt is given up: the protocol hears of neither."""

from trace import Recorder, end, factory, new_address, reactor, run, sleep
from twisted.internet import endpoints


async def body():
    nobody = endpoints.UNIXClientEndpoint(reactor, new_address())
    nobody.connect(factory(lambda: Recorder("client"))).addBoth(end("refused"))
    await sleep(0.01)
    port = await endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory(lambda: Recorder("s", True)))
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    connecting = endpoint.connect(factory(lambda: Recorder("client"))).addBoth(end("given up"))
    connecting.cancel()
    await sleep(0.01)
    await port.stopListening()


run(body)
