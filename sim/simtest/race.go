//go:build race

package simtest

// slowdown is how much longer a run takes with the race detector, roughly.
var slowdown = 10
