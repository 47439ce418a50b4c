// Package history checks what clients of a system have seen: that each answer could have come from a
// system that does one thing at a time (Log), or that messages arrived once, in order, and none was
// lost that had been acknowledged (Mail).
//
// It knows nothing of loops, and is as useful on real ones as in a simulation. What it holds belongs
// to one goroutine.
package history
