// Package wire has tests alone. They connect each style of Corolla, as client and as server, to Python's
// asyncio, Twisted and Eventlet: real processes, over a real network. README.md lists what is tried, and
// how each side must see it.
package wire
