"""What both sides of a conversation send, and how a side reports what it has got."""

import sys
import zlib

# What a client of an echo sends, each piece when the one before has come back.
PIECES = [1, 2, 3, 100, 1000, 4096, 16384, 70000]

HALF = 100_000  # bytes of a question, and of its answer
BULK = 8 << 20  # bytes that a sender sends to a reader that does not read
CHUNK = 32 << 10  # of which it sends so many at a time


def pattern(size, first):
    """Returns bytes that count up from first."""
    return (bytes(range(256)) * (size // 256 + 2))[first : first + size]


# The longest message of each kind: the limits of Twisted's receivers, or of the length before it.
LONGEST = {"lines": 16384, "netstrings": 99999, "int8": 255, "int16": 65535, "int32": 99999}


def batches(kind):
    """Returns the messages that a client sends; it sends the next batch when all of one are answered."""
    small = [b"", b"a", b"hello", b"a\nb", b"a\rb", b"\nfirst", b"last\r", b"5:hello,", bytes(range(255))]
    longest = LONGEST[kind]
    return [small, [pattern(longest // 2, 14)], [pattern(longest, 14)]]


def pack(kind, message):
    """Returns a message as it is sent."""
    if kind == "lines":
        return message + b"\r\n"
    if kind == "netstrings":
        return b"%d:%s," % (len(message), message)
    return len(message).to_bytes(int(kind[3:]) // 8, "big") + message


def answer(message):
    return message[::-1]


class Tally:
    """Counts what arrives."""

    def __init__(self):
        self.got = self.sum = 0

    def add(self, data):
        self.got += len(data)
        self.sum = zlib.crc32(data, self.sum)

    def message(self, message):
        self.add(message + b"\n")

    def end(self, how):
        return f"got={self.got} sum={self.sum:08x} end={how}"


def say(line):
    print(line, flush=True)


# Each line of standard input is a case, to be served, or a case and the port to connect to.
FOLDER = sys.argv[1]
CERTIFICATE, AUTHORITY = FOLDER + "/server.pem", FOLDER + "/authority.pem"
