"""Rule 33: whenConnected(failAfterFailures=2) fails on the second failure; stopService waits for connectionLost, and
whoever still waits for a connection gets CancelledError."""

from trace import Recorder, end, factory, new_address, reactor, run, say, sleep
from twisted.application.internet import ClientService
from twisted.internet import defer, endpoints, error


class Endpoint:
    """Refuses connections until it has an address."""

    address = None

    def connect(self, f):
        say("connecting")
        if self.address is None:
            return defer.fail(error.ConnectionRefusedError())
        return endpoints.UNIXClientEndpoint(reactor, self.address).connect(f)


def wait(service, name, failures=None):
    service.whenConnected(failAfterFailures=failures).addCallback(lambda _: "connected").addBoth(end(name))


async def body():
    endpoint = Endpoint()
    client = Recorder("client")
    service = ClientService(endpoint, factory(lambda: client), retryPolicy=lambda n: 1.0, clock=reactor)
    wait(service, "after two", 2)
    wait(service, "after three", 3)
    wait(service, "any")
    service.startService()
    await sleep(1.5)
    endpoint.address = new_address()
    port = reactor.listenUNIX(endpoint.address, factory(lambda: Recorder("server", quiet=True)))
    await sleep(1)
    wait(service, "later")
    await service.stopService()
    say("stopped")
    wait(service, "behind it")
    await sleep(0.01)
    await port.stopListening()
    endpoint.address = None
    service.startService()
    wait(service, "again")
    await service.stopService()
    await sleep(0.01)
    say("end")


run(body)
