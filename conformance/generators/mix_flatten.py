"""Mix: a recursive walk delegates at each level, and is left in the middle."""

from trace import say, step

TREE = [1, [2, [3, 4]], [[5]], 6]


def walk(node, depth=0):
    try:
        if isinstance(node, list):
            for child in node:
                yield from walk(child, depth + 1)
        else:
            yield node * 10 + depth
    finally:
        say(f"left depth {depth}")


g = walk(TREE)
for _ in range(4):
    step("next", next, g)
step("close", g.close)
