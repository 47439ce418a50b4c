//go:build amd64

package host

// ticks reads the processor's own counter, which costs a third of what a clock does. It says
// whether a reading of the clock is still good, and nothing else: its pace differs from one
// processor to another, and after a move to another core it may be anything.
func ticks() uint64

// tickGrain is how many ticks a reading of the clock is good for: 16 to 40 µs. A callback that reads
// and writes takes about 5, and with less every second one would have to read the clock after all.
const tickGrain = 1 << 16
