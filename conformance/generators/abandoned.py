"""Rule 12: an abandoned generator is closed: its cleanup runs."""

import gc

from trace import say


def body():
    try:
        yield 1
    finally:
        say("finally")


def use():
    g = body()
    say(f"next: {next(g)}")


use()
gc.collect()
say("collected")
