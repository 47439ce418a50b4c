"""One side of a conversation, with Twisted's protocols."""

import sys

from twisted.internet import defer, endpoints, protocol, reactor, ssl, task, threads
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.protocols import basic
from twisted.python import log
from zope.interface import implementer

from common import *


def line():
    """Returns a Deferred of the next line of standard input."""
    return threads.deferToThread(sys.stdin.readline)


def context(role):
    with open(AUTHORITY if role == "client" else CERTIFICATE) as file:
        text = file.read()
    if role == "client":
        return ssl.optionsForClientTLS("localhost", trustRoot=ssl.Certificate.loadPEM(text))
    return ssl.PrivateCertificate.loadPEM(text).options()


def how(reason):
    """Returns the word for the end of a connection."""
    words = {ConnectionDone: "eof", ConnectionLost: "reset", ConnectionAborted: "aborted"}
    return words.get(reason.type, reason.getErrorMessage())


class Side(protocol.Protocol):
    """Tells the end of its conversation through result, a Deferred."""

    closed = False  # by this side

    def __init__(self, case):
        self.case, self.tally, self.result = case, Tally(), defer.Deferred()

    def close(self):
        self.closed = True
        self.transport.loseConnection()

    def report(self, word):
        return self.tally.end(word)

    def connectionLost(self, reason):
        word = how(reason)
        self.result.callback(self.report("closed" if self.closed and word == "eof" else word))


class EchoServer(Side):
    def dataReceived(self, data):
        self.tally.add(data)
        if data == b"abort":
            self.transport.abortConnection()
        else:
            self.transport.write(data)


class EchoClient(Side):
    def connectionMade(self):
        self.piece = -1
        self.left = 0
        self.next()

    def next(self):
        self.piece += 1
        if self.piece == len(PIECES):
            self.close()
            return
        self.left = PIECES[self.piece]
        self.transport.write(pattern(self.left, self.piece))

    def dataReceived(self, data):
        self.tally.add(data)
        self.left -= len(data)
        if self.left == 0:
            self.next()


class StartTLSServer(EchoServer):
    head = b""
    secure = False

    def dataReceived(self, data):
        if self.secure:
            super().dataReceived(data)
            return
        self.head += data
        if self.head == b"STARTTLS\r\n":
            self.secure = True
            self.transport.write(b"OK\r\n")
            self.transport.startTLS(context("server"))


class StartTLSClient(EchoClient):
    head = b""
    secure = False

    def connectionMade(self):
        self.transport.write(b"STARTTLS\r\n")

    def dataReceived(self, data):
        if self.secure:
            super().dataReceived(data)
            return
        self.head += data
        if self.head == b"OK\r\n":
            self.secure = True
            self.transport.startTLS(context("client"))
            super().connectionMade()


@implementer(IHalfCloseableProtocol)
class HalfCloseServer(Side):
    def dataReceived(self, data):
        self.tally.add(data)

    def readConnectionLost(self):
        self.transport.write(pattern(HALF, 2))
        self.transport.loseConnection()

    def writeConnectionLost(self):
        pass


@implementer(IHalfCloseableProtocol)
class HalfCloseClient(Side):
    def connectionMade(self):
        self.transport.write(pattern(HALF, 1))
        self.transport.loseWriteConnection()

    def dataReceived(self, data):
        self.tally.add(data)

    def readConnectionLost(self):
        self.transport.loseConnection()

    def writeConnectionLost(self):
        pass


class Strings(Side):
    """A side whose messages one of Twisted's receivers makes."""

    def send(self, messages):
        for m in messages:
            self.sendLine(m) if isinstance(self, basic.LineReceiver) else self.sendString(m)


class StringsServer(Strings):
    def received(self, message):
        self.tally.message(message)
        self.send([answer(message)])


class StringsClient(Strings):
    def connectionMade(self):
        self.batches = batches(self.case)
        self.missing = 0
        self.next()

    def next(self):
        if not self.batches:
            self.close()
            return
        batch = self.batches.pop(0)
        self.missing = len(batch)
        self.send(batch)

    def received(self, message):
        self.tally.message(message)
        self.missing -= 1
        if self.missing == 0:
            self.next()


def strings(receiver):
    """Returns the two sides that speak through a receiver."""
    made = []
    for side in StringsServer, StringsClient:
        def received(self, message):
            self.received(message)

        class Made(side, receiver):
            lineReceived = stringReceived = received

        made.append(Made)
    return made


@implementer(IPushProducer)
class Sender(Side):
    paused = told = False
    left = BULK

    def connectionMade(self):
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self):
        self.paused = False
        piece = pattern(CHUNK, 0)
        while self.left and not self.paused:
            self.left -= CHUNK
            self.transport.write(piece)
        if not self.left:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self):
        self.paused = True
        if not self.told:
            self.told = True
            say("paused")

    def stopProducing(self):
        pass

    def report(self, word):
        return f"sent={BULK - self.left} paused={self.told}"


class Receiver(Side):
    def connectionMade(self):
        self.transport.pauseProducing()
        line().addCallback(self.go)

    def go(self, said):
        assert said == "go\n"
        self.transport.resumeProducing()

    def dataReceived(self, data):
        self.tally.add(data)


class AbortClient(Side):
    def connectionMade(self):
        self.transport.write(b"hello")

    def dataReceived(self, data):
        self.tally.add(data)
        if self.tally.got == 5:
            if self.case == "abort-client":
                self.transport.abortConnection()
            else:
                self.transport.write(b"abort")


CASES = {  # each a server and a client
    "echo": (EchoServer, EchoClient), "tls": (EchoServer, EchoClient),
    "starttls": (StartTLSServer, StartTLSClient), "halfclose": (HalfCloseServer, HalfCloseClient),
    "lines": strings(basic.LineReceiver), "netstrings": strings(basic.NetstringReceiver),
    "int8": strings(basic.Int8StringReceiver), "int16": strings(basic.Int16StringReceiver),
    "int32": strings(basic.Int32StringReceiver),
    "slow-server": (Receiver, Sender), "slow-client": (Sender, Receiver),
    "abort-client": (EchoServer, AbortClient), "abort-server": (EchoServer, AbortClient),
}


@defer.inlineCallbacks
def serve(name):
    results = defer.DeferredQueue()

    class Factory(protocol.Factory):
        noisy = False

        def buildProtocol(self, address):
            side = CASES[name][0](name)
            side.result.addCallback(results.put)
            return side

    if name == "tls":
        listening = reactor.listenSSL(0, Factory(), context("server"), interface="127.0.0.1")
    else:
        listening = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
    say(f"port {listening.getHost().port}")
    say("result " + (yield results.get()))
    yield listening.stopListening()


@defer.inlineCallbacks
def connect(name, port):
    to = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    if name == "tls":
        to = endpoints.wrapClientTLS(context("client"), to)
    side = yield endpoints.connectProtocol(to, CASES[name][1](name))
    say("result " + (yield side.result))


@defer.inlineCallbacks
def main(_):
    while words := (yield line()).split():
        yield serve(*words) if len(words) == 1 else connect(*words)


log.startLogging(sys.stderr, setStdout=False)
task.react(main)
