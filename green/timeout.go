package green

import (
	"time"

	"github.com/corolla-go/corolla"
)

// Timeouts. Eventlet's Timeout is an exception that passes every handler but its own with-block. Here it is
// a scope: each wait in it fails once its time is up, those of green's own by unwinding to the
// scope's end. Being a level it cannot be lost, whoever recovers or ignores errors. The object that is
// started in one function and canceled in another has no counterpart: a scope ends where it begins.

// Timeout runs f, for d at the most: when the time is up, what f waits for ends, and Timeout returns a
// *corolla.TimeoutError, which matches os.ErrDeadlineExceeded. Where f returns all the same, because it
// was done or chose to, it has its way. A d of 0 or less ends f where it first waits. Code that
// does not wait is not stopped.
//
// A Timeout around another passes through it. Within f, h.Task().Scope().SetTimeout moves the
// time, and SetDeadline(-1) takes it away.
func (h *Hub) Timeout(d time.Duration, f func() error) error {
	_, err := h.timeout("green.Hub.Timeout", d, f)
	return err
}

// MoveOn is Timeout without the error: when its own time is up it returns nil, or what else f has
// said. (Eventlet's Timeout(d, False), Trio's move_on_after.)
func (h *Hub) MoveOn(d time.Duration, f func() error) error {
	own, err := h.timeout("green.Hub.MoveOn", d, f)
	if own != nil {
		return own.Unwrap()
	}
	return err
}

// WithTimeout is Timeout for a function with a value: when the time is up, the value is or.
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

// timeout returns its own error, if the time was up, apart from any other.
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
