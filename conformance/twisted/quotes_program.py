"""A program: a server of quotes, in which clients can talk as well, line by line.

A quote takes time to be found, and only two are looked for at once; one that takes too long is given up. Whoever
is silent for too long is sent away, and what a client has asked for is canceled when it leaves. Everybody hears
the news at regular intervals.
"""

import pathlib
from trace import factory, new_address, reactor, run, say, sleep, word
from twisted.internet import defer, endpoints, task
from twisted.protocols import basic, policies

LIMIT, IDLE, NEWS = 0.020, 0.040, 0.035

QUOTES = {
    "zen": (5, "simple is better than complex"),
    "bird": (8, "the early one catches the worm"),
    "rain": (11, "into each life some must fall"),
    "slow": (30, "good things come to those who wait"),
}


class Quotes:
    """The quotes, and those who are present."""

    def __init__(self):
        self.places = defer.DeferredSemaphore(2)
        self.present = {}
        self.count = 0

    def find(self, name):
        say(f"looks for {name}")
        if name not in QUOTES:
            raise KeyError(f"no quote {name}")
        ms, text = QUOTES[name]
        return sleep(ms / 1000).addCallback(lambda v: text)

    def quote(self, name):
        return self.places.run(self.find, name).addTimeout(LIMIT, reactor)

    def tell(self, line, besides=None):
        for name, client in self.present.items():
            if name != besides:
                client.answer(line)

    def news(self):
        self.count += 1
        say(f"news {self.count}: {' '.join(self.present) or 'nobody'}")
        self.tell(f"news {self.count}: {len(self.present)} present")


class Server(basic.LineReceiver, policies.TimeoutMixin):
    name = None

    def __init__(self, quotes):
        self.quotes = quotes
        self.asked = set()

    def connectionMade(self):
        self.setTimeout(IDLE)

    def timeoutConnection(self):
        self.answer("too quiet")
        self.transport.loseConnection()

    def answer(self, line):
        self.sendLine(line.encode())

    def lineReceived(self, line):
        self.resetTimeout()
        say(f"{self.name or 'somebody'}: {line.decode()}")
        command, *words = line.decode().split()
        if command == "hello" and not self.name:
            self.name = words[0]
            self.quotes.tell(f"{self.name} comes")
            self.quotes.present[self.name] = self
        elif command == "quote":
            self.ask(words[0], self.quotes.quote(words[0]))
        elif command == "many":
            found = defer.gatherResults([self.quotes.quote(w) for w in words], consumeErrors=True)
            self.ask("all", found.addCallback("; ".join))
        elif command == "say":
            self.quotes.tell(f"{self.name} says {' '.join(words)}", besides=self.name)
        elif command == "quit":
            self.answer("goodbye")
            self.transport.loseConnection()
        else:
            self.answer(f"cannot {command}")

    def ask(self, what, found):
        def answered(result):
            self.asked.discard(found)
            return result

        self.asked.add(found)
        found.addBoth(answered)
        found.addCallbacks(lambda text: self.answer(f"{what}: {text}"), lambda f: self.failed(what, f.value))

    def failed(self, what, error):
        error = error.subFailure.value if isinstance(error, defer.FirstError) else error
        why = error.args[0] if isinstance(error, KeyError) else word(error)
        say(f"{self.name}, {what}: {why}")
        self.answer(f"{what}: {why}")

    def connectionLost(self, reason):
        self.setTimeout(None)
        say(f"{self.name} leaves, waiting for {len(self.asked)}")
        self.quotes.present.pop(self.name)
        for found in list(self.asked):
            found.cancel()
        self.quotes.tell(f"{self.name} leaves")


class Client(basic.LineReceiver):
    def __init__(self, name):
        self.name, self.heard, self.over = name, [], defer.Deferred()

    def lineReceived(self, line):
        self.heard.append(f"{self.name} heard at {round(reactor.seconds() * 1000)} ms: {line.decode()}")

    def connectionLost(self, reason):
        self.heard.append(f"{self.name} is alone at {round(reactor.seconds() * 1000)} ms")
        self.over.callback(None)


async def play(address, name, script):
    await sleep(script[0][0] / 1000)
    client = Client(name)
    await endpoints.UNIXClientEndpoint(reactor, address).connect(factory(lambda: client))
    for at, text in script:
        await sleep(max(0, at / 1000 - reactor.seconds()))
        if text == "hang up":
            client.transport.loseConnection()
        else:
            client.sendLine(text.encode())
    await client.over
    return client.heard


def scripts():
    """What each client says, and when, in milliseconds."""
    by_client = {}
    for line in pathlib.Path(__file__).with_name("quotes_program.txt").read_text().splitlines():
        name, at, text = line.split(" ", 2)
        by_client.setdefault(name, []).append((int(at), text))
    return by_client


async def body():
    quotes, address = Quotes(), new_address()
    port = await endpoints.UNIXServerEndpoint(reactor, address).listen(factory(lambda: Server(quotes)))
    news = task.LoopingCall(quotes.news)
    news.start(NEWS, now=False).addBoth(lambda v: say("no more news"))
    plays = [defer.ensureDeferred(play(address, *of)) for of in scripts().items()]
    for heard in await defer.gatherResults(plays):
        for line in heard:
            say(line)
    news.stop()
    await port.stopListening()
    say(f"free places: {quotes.places.tokens}")


run(body)
