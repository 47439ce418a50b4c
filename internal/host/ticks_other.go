//go:build !amd64

package host

// ticks are not counted on this processor, so no reading of the clock is used twice; see
// ticks.go.
func ticks() uint64 { return 0 }

const tickGrain = 0
