package green

import "github.com/corolla-go/corolla"

// Event is a value, or an error, that is sent once, and that any number of threads wait for.
// (Eventlet's Event; corolla.Event is asyncio's, a flag.)
type Event[T any] struct {
	hub *Hub
	f   *corolla.Future[T]
}

// NewEvent returns an event to which nothing was sent.
func NewEvent[T any](h *Hub) *Event[T] { return &Event[T]{h, corolla.NewFuture[T](h.loop)} }

// Send sends a value to all who wait, and who will. It returns corolla.ErrSettled if something was
// sent before. It waits for nobody, and can be called outside of a thread.
func (e *Event[T]) Send(v T) error { return e.f.Resolve(v) }

// Fail sends an error in place of a value.
func (e *Event[T]) Fail(err error) error { return e.f.Fail(err) }

// Wait waits until something is sent, and returns it. A timeout ends the wait only.
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

// Reset makes the event as new. It returns corolla.ErrPending if nothing was sent.
func (e *Event[T]) Reset() error {
	if !e.f.Done() {
		return corolla.ErrPending
	}
	e.f = corolla.NewFuture[T](e.hub.loop)
	return nil
}

// Future returns what the event is made of, for what takes futures. It is another one after Reset.
func (e *Event[T]) Future() *corolla.Future[T] { return e.f }
