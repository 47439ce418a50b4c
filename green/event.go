package green

import "github.com/corolla-go/corolla"

// Event is a value or an error that is sent once, and that any number of threads can wait for.
// (Eventlet's Event; corolla.Event is asyncio's, a flag.)
type Event[T any] struct {
	hub *Hub
	f   *corolla.Future[T]
}

// NewEvent returns an event that has not been sent.
func NewEvent[T any](h *Hub) *Event[T] { return &Event[T]{h, corolla.NewFuture[T](h.loop)} }

// Send sends a value to all current and future waiters. It returns corolla.ErrSettled if something
// was sent before. It never waits, and can be called outside a green thread.
func (e *Event[T]) Send(v T) error { return e.f.Resolve(v) }

// Fail sends an error in place of a value.
func (e *Event[T]) Fail(err error) error { return e.f.Fail(err) }

// Wait waits until something is sent, and returns it. A timeout ends only the wait.
func (e *Event[T]) Wait() (v T, err error) {
	e.hub.wait("green.Event.Wait", func(t *corolla.Task) error {
		f := e.f
		if !f.Done() {
			f = corolla.Shield(f)
		}
		return await(t, f, &v, &err)
	})
	return v, err
}

// Ready reports whether something was sent.
func (e *Event[T]) Ready() bool { return e.f.Done() }

// Reset makes the event unsent again. It returns corolla.ErrPending if nothing was sent.
func (e *Event[T]) Reset() error {
	if !e.f.Done() {
		return corolla.ErrPending
	}
	e.f = corolla.NewFuture[T](e.hub.loop)
	return nil
}

// Future returns the event's future, for functions that take one. Reset replaces it.
func (e *Event[T]) Future() *corolla.Future[T] { return e.f }
