"""Mix: one coroutine collects what a delegating one is sent, until None ends a group (after PEP 380)."""

from trace import Boom, say, step


def averager():
    total = count = 0
    while True:
        try:
            value = yield count
        except Boom:
            say("one value lost")
            continue
        if value == 0:
            return total // count
        total, count = total + value, count + 1


def groups():
    results = []
    while len(results) < 2:
        results.append((yield from averager()))
        say(f"group {len(results)}: {results[-1]}")
    return f"{results[0]} and {results[1]}"


g = groups()
step("next", next, g)
for v in 10, 30, 0, 4:
    step(f"send {v}", g.send, v)
step("throw", g.throw, Boom())
for v in 8, 0:
    step(f"send {v}", g.send, v)
