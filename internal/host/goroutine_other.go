//go:build !amd64 && !arm64

package host

// Goroutine is not implemented on this processor; see goroutine.go.
func Goroutine() uintptr { return 0 }
