//go:build amd64

package host

// ticks reads the processor's own counter, which costs a third of what a clock does. It says
// whether a reading of the clock is still good, and nothing else: its pace differs from one
// processor to another, and after a move to another core it may be anything.
func ticks() uint64

// tickGrain is how many ticks a reading of the clock is good for: 4 to 10 µs.
const tickGrain = 1 << 14
