package green

import "github.com/corolla-go/corolla"

// Offload runs f, which may block, on a goroutine of its own, while other threads run, and returns
// its result. A timeout ends the wait; f goes on. (Eventlet's tpool.execute; corolla.MaxJobs is the size
// of its pool.)
func Offload[T any](h *Hub, f func() (T, error)) (v T, err error) {
	h.wait("green.Offload", func(t *corolla.Task) error {
		return await(t, corolla.Offload(h.loop, f), &v, &err)
	})
	return v, err
}

// await waits for a future. It returns only errors of t's own; the future's are in err.
func await[T any](t *corolla.Task, f *corolla.Future[T], v *T, err *error) error {
	*v, *err = f.Await(t)
	if !f.Done() || f.Canceled() {
		return *err
	}
	return nil
}

// Blocking is a value whose methods block, such as a client of a library that knows nothing of
// green threads. They are called on other goroutines, one at a time. (This replaces Eventlet's
// tpool.Proxy: Go cannot build a proxy at run time.)
type Blocking[T any] struct {
	hub   *Hub
	value T
	line  corolla.Lock
}

// NewBlocking wraps a value, which must then be used only through Do.
func NewBlocking[T any](h *Hub, value T) *Blocking[T] { return &Blocking[T]{hub: h, value: value} }

// Do calls f with the value on a goroutine of its own, once earlier calls have returned, and
// returns its error. A timeout ends the wait; f still runs if its turn had come.
func (b *Blocking[T]) Do(f func(value T) error) (err error) {
	b.hub.wait("green.Blocking.Do", b.line.Lock)
	job := corolla.Offload(b.hub.loop, func() (struct{}, error) { return struct{}{}, f(b.value) })
	job.OnDone(func(*corolla.Future[struct{}]) { b.line.Unlock() })
	b.hub.wait("green.Blocking.Do", func(t *corolla.Task) error {
		var nothing struct{}
		return await(t, corolla.Shield(job), &nothing, &err)
	})
	return err
}
