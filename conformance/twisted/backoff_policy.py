"""Rule 22: backoffPolicy waits min(1.5^n, 60) seconds and a random part; a success begins anew."""

from trace import say
from twisted.application.internet import backoffPolicy

policy = backoffPolicy(initialDelay=1.0, maxDelay=60.0, factor=1.5, jitter=lambda: 0.25)
for n in [1, 2, 3, 10, 11, 100]:
    say(f"attempt {n}: {policy(n):.3f} s")
