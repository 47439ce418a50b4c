"""What the scenarios print with: asyncio on a clock that jumps.

A selector that would wait for a timer moves the clock to it instead, so a trace holds exact times and
needs none. Sockets are real: they are polled before the clock moves.
"""

import asyncio
import os
import platform
import selectors

print(f"# CPython {platform.python_version()}")


class JumpSelector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            return super().select(None)
        events = super().select(0 if timeout <= 0 else 0.0005)
        if not events and timeout > 0:
            self.now += timeout
        return events


class JumpLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.jump = JumpSelector()
        super().__init__(self.jump)
        self._clock_resolution = 1e-6

    def time(self):
        return self.jump.now


_loop = None


def new_loop():
    """Makes the loop whose clock say prints."""
    global _loop
    _loop = JumpLoop()
    _loop.set_exception_handler(lambda loop, context: None)
    asyncio.set_event_loop(_loop)
    return _loop


def say(text):
    ms = round(_loop.time() * 1000) if _loop else 0
    print(f"t={ms}ms {text}", flush=True)


def word(error):
    """The word for how something ended."""
    if error is None:
        return "done"
    if isinstance(error, asyncio.CancelledError):
        return "canceled"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionResetError):
        return "reset"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return str(error)


def yes(b):
    return "yes" if b else "no"


async def outcome(awaitable):
    """What awaiting something results in: its value, or the word for its error."""
    try:
        value = await awaitable
    except (Exception, asyncio.CancelledError) as e:
        return word(e)
    return "done" if value is None else str(value)


def main(coroutine_function):
    """Runs main() to its end on a new loop."""
    loop = new_loop()
    try:
        loop.run_until_complete(coroutine_function())
    except BaseException as e:
        say(f"main: {word(e)}")
    finally:
        loop.close()


class Recorder(asyncio.Protocol):
    """A protocol that says what it is told."""

    transport = None

    def connection_made(self, transport):
        self.transport = transport
        say("made")

    def data_received(self, data):
        say(f"data: {data.decode()}")

    def eof_received(self):
        say("eof")

    def connection_lost(self, exc):
        say(f"lost: {word(exc) if exc else 'no error'}")

    def pause_writing(self):
        say("pause writing")

    def resume_writing(self):
        say("resume writing")


_addresses = 0


def new_address():
    """A name for a Unix socket. What is sent on one has arrived at once, as the clock needs it; TCP may be late."""
    global _addresses
    _addresses += 1
    return f"\0corolla-conformance-{os.getpid()}-{_addresses}"


async def connect(protocol):
    """Connects a protocol, as a server's, to streams, and waits 10 ms for it."""
    address = new_address()
    server = await asyncio.get_running_loop().create_unix_server(lambda: protocol, address)
    streams = await asyncio.open_unix_connection(address)
    await asyncio.sleep(0.01)
    server.close()
    return streams


async def stream_pair(tcp=False, **options):
    """Connects two ends of a stream: a reader and a writer, and those of the peer."""
    accepted = asyncio.get_running_loop().create_future()

    def accept(*peer):
        accepted.set_result(peer)

    if tcp:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        streams = await asyncio.open_connection(*server.sockets[0].getsockname(), **options)
    else:
        address = new_address()
        server = await asyncio.start_unix_server(accept, address)
        streams = await asyncio.open_unix_connection(address, **options)
    peer = await accepted
    server.close()
    return *streams, *peer
