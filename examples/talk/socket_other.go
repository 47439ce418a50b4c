//go:build !unix

package talk

import (
	"errors"
	"fmt"
	"runtime"
)

// The rows that are made of bare system calls are for Unix systems.

func unsupported(*Job) error {
	return fmt.Errorf("this row on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

var blocking, spin, selecting, threads, processes, generators = unsupported, unsupported,
	unsupported, unsupported, unsupported, unsupported

type observer struct{}

func newObserver(int, func()) *observer { return new(observer) }
func (*observer) look()                 {}
func (*observer) stop()                 {}

// Worker does nothing here: there is no row that starts one.
func Worker() {}
