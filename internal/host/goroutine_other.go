//go:build !amd64 && !arm64

package host

// Goroutine returns 0, as on this processor nobody knows which goroutine calls; see goroutine.go.
func Goroutine() uintptr { return 0 }
