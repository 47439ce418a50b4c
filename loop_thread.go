package corolla

import (
	"fmt"

	"github.com/corolla-go/corolla/internal/host"
)

// BindThread keeps the calling goroutine on one thread, and that thread on one processor, until release
// is called on the same goroutine. It is for a goroutine that makes a loop, runs it and closes it: the
// loop's coroutines then belong to the thread, so all three must happen between BindThread and release,
// and a generator that was made elsewhere cannot be resumed on the loop: Go ends the program.
//
// n counts the processors that the program may use, from 0; beyond the last it begins again. On
// systems other than Linux the error wraps errors.ErrUnsupported.
func BindThread(n int) (release func(), err error) {
	if n < 0 {
		return nil, fmt.Errorf("corolla: bind a thread to processor %d: at least 0", n)
	}
	if release, err = host.BindThread(n); err != nil {
		return nil, fmt.Errorf("corolla: %w", err)
	}
	return release, nil
}
