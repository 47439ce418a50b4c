"""Mix: a scheduler of generators (after PEP 342): round robin, one that fails, one that is closed."""

from collections import deque

from trace import Boom, say


def worker(name, n):
    try:
        for i in range(n):
            say(f"{name}{i}")
            yield
        if name == "b":
            raise Boom()
    finally:
        say(f"{name} done")


def run(tasks):
    ready = deque(tasks)
    turns = 0
    while ready:
        task = ready.popleft()
        turns += 1
        if turns == 9:
            task.close()
            continue
        try:
            next(task)
            ready.append(task)
        except StopIteration:
            say("returned")
        except Boom:
            say("failed: Boom")
    say(f"{turns} turns")


run([worker("a", 3), worker("b", 2), worker("c", 5)])
