//go:build !linux

package host

import (
	"errors"
	"fmt"
	"runtime"
)

// BindThread fails: this system has no way to bind a thread that is known here.
func BindThread(int) (release func(), err error) {
	return nil, fmt.Errorf("bind a thread to a processor on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
