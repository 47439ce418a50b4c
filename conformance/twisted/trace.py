"""What the scenarios print with: Twisted on a reactor whose clock jumps.

A reactor that would wait for a timer moves the clock to it instead. Sockets are real: they are polled
before the clock moves. A look at the clock takes a nanosecond of it, as it takes some time on a real one:
without that, timers set one after the other would be due at the same moment, in an order that nobody
defines.
"""

import itertools
import os
import platform
import time

import twisted
from twisted.internet import defer, error, main, protocol, task
from twisted.internet.epollreactor import EPollReactor
from twisted.python import failure, log

print(f"# Twisted {twisted.__version__} on CPython {platform.python_version()}")


class JumpReactor(EPollReactor):
    now = 0.0

    def seconds(self):
        self.now += 1e-9
        return self.now

    def doPoll(self, timeout):
        if timeout is None:
            return super().doPoll(None)
        if timeout > 0 and not self._poller.poll(0.0005, 1):
            self.now += timeout
        super().doPoll(0)

    doIteration = doPoll


main.installReactor(JumpReactor())
from twisted.internet import reactor  # noqa: E402


class Boom(Exception):
    pass


def say(text):
    print(f"t={round(reactor.now * 1000)}ms {text}", flush=True)


WORDS = [
    (defer.CancelledError, "canceled"),
    (error.TimeoutError, "timeout"),
    (defer.TimeoutError, "timeout"),
    (defer.AlreadyCalledError, "already called"),
    (defer.QueueOverflow, "full"),
    (defer.QueueUnderflow, "too many wait"),
    (task.TaskStopped, "stopped"),
    (task.TaskDone, "done"),
    (error.ConnectionDone, "no error"),
    (error.ConnectionAborted, "aborted"),
    (error.ConnectionLost, "reset"),
    (error.ConnectingCancelledError, "canceled"),
    (error.ConnectionRefusedError, "refused"),
    (error.ProcessDone, "no error"),
]


def word(e):
    """The word for how something ended."""
    if isinstance(e, failure.Failure):
        e = e.value
    if isinstance(e, defer.FirstError):
        return f"first error, of {e.index}: {word(e.subFailure)}"
    if isinstance(e, error.ProcessTerminated):
        return f"exit {e.exitCode}" if e.signal is None else f"signal {e.signal}"
    for kind, text in WORDS:
        if isinstance(e, kind):
            return text
    return str(e)


def shown(result):
    if isinstance(result, failure.Failure):
        return f"failed: {word(result)}"
    return "nothing" if result is None or result == "" else str(result)


def show(name):
    """A callback for either result, which says it and passes it on."""

    def both(result):
        say(f"{name}: {shown(result)}")
        return result

    return both


def end(name):
    """A last callback, which says what the result is and takes it."""

    def both(result):
        say(f"{name}: {shown(result)}")

    return both


def attempt(name, function, *args):
    """Calls a function and says whether it raises something."""
    try:
        function(*args)
    except Exception as e:
        say(f"{name}: {word(e)}" if isinstance(e, (Boom, defer.AlreadyCalledError)) else f"{name}: refused")
    else:
        say(f"{name}: accepted")


def yes(b):
    return "yes" if b else "no"


def sleep(seconds):
    return task.deferLater(reactor, seconds)


def run(body):
    """Runs the reactor until a coroutine has ended."""

    def over(result):
        if isinstance(result, failure.Failure):
            say(f"main: {word(result)}")
        if reactor.running:
            reactor.stop()

    reactor.callWhenRunning(lambda: defer.ensureDeferred(body()).addBoth(over))
    reactor.run()


def on_logged(handle):
    """Calls a function with each error that is logged."""
    log.addObserver(lambda event: handle(word(event["failure"])) if event["isError"] else None)


class Recorder(protocol.Protocol):
    """A protocol that says what it is told, or keeps it to say it later, and counts long data."""

    def __init__(self, name="", quiet=False):
        self.name, self.quiet = name, quiet
        self.told = []
        self.got = 0
        self.lost = defer.Deferred()

    def tell(self, text):
        self.told.append(text)
        if not self.quiet:
            say(f"{self.name}: {text}" if self.name else text)

    def connectionMade(self):
        self.tell("made")

    def dataReceived(self, data):
        self.got += len(data)
        if len(data) < 100:
            self.tell(f"data: {data.decode().strip()}")

    def connectionLost(self, reason):
        self.tell(f"lost: {word(reason)}")
        self.lost.callback(None)

    def say_all(self):
        """Says what it was told."""
        say(f"{self.name}: {', '.join(self.told)}")


_addresses = itertools.count(1)


def new_address():
    """A name for a Unix socket. What is sent on one has arrived at once, as the clock needs it; TCP may be late."""
    return f"\0corolla-conformance-{os.getpid()}-{next(_addresses)}"


def factory(build):
    """A factory that builds protocols with a function."""
    f = protocol.Factory()
    f.noisy = False
    f.buildProtocol = lambda address: build()
    return f


async def connect(server, client, tcp=False):
    """Connects two protocols, the first as a server's, and waits 10 ms for it."""
    if tcp:
        port = reactor.listenTCP(0, factory(lambda: server), interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.getHost().port, client_factory(client))
    else:
        address = new_address()
        port = reactor.listenUNIX(address, factory(lambda: server))
        reactor.connectUNIX(address, client_factory(client))
    await sleep(0.01)
    await port.stopListening()


def client_factory(client):
    f = protocol.ClientFactory()
    f.noisy = False
    f.buildProtocol = lambda address: client
    return f
