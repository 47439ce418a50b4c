//go:build amd64 || arm64

package host

// Goroutine returns a number that no other live goroutine has: the address of the runtime's own
// record of the calling goroutine, which never moves. It is 0 on processors for which the three
// instructions that it takes have not been written.
func Goroutine() uintptr
