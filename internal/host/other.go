//go:build !linux

package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// New returns an error that wraps errors.ErrUnsupported: this system has no
// host yet. The simulated one, in package sim, works everywhere.
func New() (Host, error) {
	return nil, fmt.Errorf("an event loop on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// TakeInherited fails: this system has no descriptors to hand over.
func TakeInherited(int) error { return errors.ErrUnsupported }

// SocketPair fails: this system has no descriptors to hand over.
func SocketPair() (a, b *os.File, err error) { return nil, nil, errors.ErrUnsupported }
