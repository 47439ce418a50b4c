//go:build amd64

package host

// ticks reads the processor's own counter, at a third of a clock's cost. It only tells whether a
// reading of the clock is still good: its rate differs from one processor to another, and after a
// move to another core it may be anything.
func ticks() uint64

// tickGrain is how many ticks a reading of the clock is good for: 16 to 40 µs. A callback that
// reads and writes takes about 5; with a smaller grain every other one would read the clock after
// all.
const tickGrain = 1 << 16
