//go:build amd64 || arm64

package host

// Goroutine returns a number that tells the calling goroutine from all others that live: the
// address of the runtime's own record of it, which never moves. It is 0 on processors for which
// nobody has written the three instructions that it takes.
func Goroutine() uintptr
