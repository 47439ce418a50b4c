// Package idioms shows what is common in programs for Twisted as it is written here. Each example runs, on a simulated
// machine, and is as long as it needs to be. The chat of ../chat is the one with a LineReceiver.
package idioms
