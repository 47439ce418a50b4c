//go:build !race

package simtest

// slowdown is how much longer a run takes than without the race detector.
var slowdown = 1
