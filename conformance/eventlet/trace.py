"""What the scenarios print with: Eventlet on a hub whose clock jumps.

A hub that would wait for a timer moves the clock to it instead. Sockets are real: they are polled before
the clock moves. A look at the clock takes a nanosecond of it, as it takes some time on a real one: without
that, timers set one after the other would be due at the same moment, in an order that nobody defines.
"""

import platform
import sys

import eventlet
from eventlet import hubs
from eventlet.hubs import epolls

print(f"# Eventlet {eventlet.__version__} on CPython {platform.python_version()}")


class JumpHub(epolls.Hub):
    def __init__(self):
        self.now = 0.0
        super().__init__(self.read)

    @staticmethod
    def is_available():
        return True

    def read(self):
        self.now += 1e-9
        return self.now

    def wait(self, seconds=None):
        if self.listeners["read"] or self.listeners["write"]:
            super().wait(seconds)
        else:
            self.jump(seconds)

    def do_poll(self, seconds):
        events = self.poll.poll(0.0005 if seconds else 0)
        if not events:
            self.jump(seconds)
        return events

    def jump(self, seconds):
        if seconds >= self.default_sleep():
            raise SystemExit("nothing can happen any more")
        self.now += max(seconds, 0)


hubs.use_hub(JumpHub)
hubs.get_hub()
sys.stderr = open("/dev/null", "w")  # Eventlet prints what a thread raises


class Boom(Exception):
    pass


def say(text):
    print(f"t={round(hubs.get_hub().now * 1000)}ms {text}", flush=True)


def outcome(thread):
    """What waiting for a thread gives."""
    try:
        return thread.wait()
    except eventlet.greenlet.GreenletExit:
        return "killed"
    except eventlet.Timeout:
        return "timeout"
    except Exception as e:
        return type(e).__name__
