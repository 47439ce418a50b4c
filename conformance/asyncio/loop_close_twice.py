"""close can be called again."""

from trace import new_loop, say

loop = new_loop()
loop.close()
try:
    loop.close()
    say("closed again")
except RuntimeError:
    say("closed again: refused")
