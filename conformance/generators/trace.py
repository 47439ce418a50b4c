"""What the scenarios print with."""

import platform

print(f"# CPython {platform.python_version()}")


class Boom(Exception):
    pass


def say(text):
    print(f"t=0ms {text}", flush=True)


def step(label, f, *args):
    """Says what a step gives: a value or an exception, and the value of a StopIteration."""
    try:
        say(f"{label}: {f(*args)}")
    except StopIteration as e:
        say(f"{label}: stop {e.value or ''}".rstrip())
    except BaseException as e:
        say(f"{label}: {type(e).__name__}")
