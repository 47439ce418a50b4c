package green

import (
	"time"

	"github.com/corolla-go/corolla"
)

// Timeouts. Eventlet's Timeout is an exception that passes every handler but its own with-block.
// Here it is a scope: every wait in it fails once its time is up, and green's own waits unwind to
// the scope's end. As a level it cannot be lost, even in code that recovers or ignores errors.
// Eventlet's object that is started in one function and canceled in another has no counterpart: a
// scope ends where it begins.

// Timeout runs f for at most d. When the time is up, whatever f waits for ends, and Timeout returns
// a *corolla.TimeoutError, which matches os.ErrDeadlineExceeded. If f returns anyway, because it
// was done or handled the error, its own result counts. With a d of 0 or less f ends at its first
// wait. Code that does not wait is not stopped.
//
// An outer Timeout passes through an inner one. Within f, h.Task().Scope().SetTimeout moves the
// time, and SetDeadline(-1) removes it.
func (h *Hub) Timeout(d time.Duration, f func() error) error {
	_, err := h.timeout("green.Hub.Timeout", d, f)
	return err
}

// MoveOn is Timeout without the error: when its own time is up it returns nil, or whatever other
// error f returned. (Eventlet's Timeout(d, False), Trio's move_on_after.)
func (h *Hub) MoveOn(d time.Duration, f func() error) error {
	own, err := h.timeout("green.Hub.MoveOn", d, f)
	if own != nil {
		return own.Unwrap()
	}
	return err
}

// WithTimeout is Timeout for a function with a value: when the time is up, it returns or as the
// value.
func WithTimeout[T any](h *Hub, d time.Duration, or T, f func() (T, error)) (T, error) {
	v := or
	own, err := h.timeout("green.WithTimeout", d, func() (err error) {
		v, err = f()
		return err
	})
	if own != nil {
		return or, own.Unwrap()
	}
	return v, err
}

// timeout returns its own error, if the time was up, separately from any other.
func (h *Hub) timeout(what string, d time.Duration, f func() error) (own *corolla.TimeoutError, err error) {
	t := h.current(what)
	var inner error
	err = h.within(t, func() error {
		return t.Timeout(d, func(*corolla.Scope) error {
			inner = f()
			return inner
		})
	})
	if e, up := err.(*corolla.TimeoutError); up && err != inner {
		own = e
	}
	return own, err
}
