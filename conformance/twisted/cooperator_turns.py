"""A Cooperator does one step of each piece of work in turn; work can be paused, stopped, and wait."""

from trace import Boom, end, run, say, sleep, word
from twisted.internet import defer, task


def steps(name, n, wait=None, error=None):
    for i in range(n):
        say(f"{name}{i}")
        yield wait if i == 0 else None
    if error:
        raise error


def refused(name, f):
    try:
        f()
    except (task.TaskStopped, task.TaskDone) as e:
        say(f"{name}: {word(e)}")


async def body():
    cooperator = task.Cooperator()
    a = cooperator.cooperate(steps("a", 3))
    b = cooperator.cooperate(steps("b", 3))
    a.whenDone().addBoth(lambda v: say("a is done"))
    b.whenDone().addBoth(lambda v: say("b is done"))
    await sleep(0.1)
    refused("pause a", a.pause)

    c = cooperator.cooperate(steps("c", 2))
    c.whenDone().addBoth(lambda v: say("c is done"))
    c.pause()
    d = cooperator.cooperate(steps("d", 2))
    d.whenDone().addBoth(end("d"))
    d.stop()
    refused("stop d", d.stop)
    await sleep(0.1)
    say("resume c")
    c.resume()
    await sleep(0.1)

    cooperator, gate = task.Cooperator(), defer.Deferred()
    cooperator.coiterate(steps("e", 2, wait=gate)).addBoth(lambda v: say("e is done"))
    cooperator.coiterate(steps("f", 2, error=Boom("boom"))).addBoth(end("f"))
    await sleep(0.1)
    say("open")
    gate.callback(None)
    await sleep(0.1)


run(body)
