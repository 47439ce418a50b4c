"""Rule 18: reset counts from now, and delay from the time that was set; both may move a call either way."""

from trace import reactor, run, say, sleep, yes


async def body():
    calls = {name: reactor.callLater(0.05, say, name) for name in ["a", "b", "c", "d", "e"]}
    await sleep(0.02)
    calls["a"].reset(0.05)
    calls["b"].delay(0.05)
    calls["c"].delay(-0.02)
    calls["d"].reset(0.001)
    calls["e"].cancel()
    say(f"active: {' '.join(yes(calls[name].active()) for name in 'abcde')}")
    await sleep(0.1)
    say(f"active: {' '.join(yes(calls[name].active()) for name in 'abcde')}")


run(body)
