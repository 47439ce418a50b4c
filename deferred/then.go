package deferred

import "github.com/corolla-go/corolla"

// Then is AddCallback for a function that changes the type: it returns a Deferred that waits for d, and
// whose first callback is f. An error of d passes f by. As when a callback returns d, d's own result is
// the zero value from then on, and canceling what Then returns cancels d.
func Then[T, U any](d *Deferred[T], f func(v T) (U, error)) *Deferred[U] {
	return follow(&then[T, U]{value: f}, d, d.loop.CallSite())
}

// ThenBoth is Then for a function that gets an error too, as AddBoth is.
func ThenBoth[T, U any](d *Deferred[T], f func(v T, err error) (U, error)) *Deferred[U] {
	return follow(&then[T, U]{both: f}, d, d.loop.CallSite())
}

// ThenChain is Then for a function that returns a Deferred, as ChainCallback is.
func ThenChain[T, U any](d *Deferred[T], f func(v T) *Deferred[U]) *Deferred[U] {
	return follow(&then[T, U]{chain: f}, d, d.loop.CallSite())
}

// then is a Deferred of U whose first step converts what a Deferred of T has come to. It has one of the
// three functions.
type then[T, U any] struct {
	out   Deferred[U]
	value func(T) (U, error)
	both  func(T, error) (U, error)
	chain func(T) *Deferred[U]
	in    T // and its error is in out
}

func follow[T, U any](c *then[T, U], d *Deferred[T], site string) *Deferred[U] {
	c.out.loop, c.out.called, c.out.waits, c.out.origin = d.loop, true, d, made(site)
	c.out.inline[0] = (*conversion[T, U])(c)
	c.out.steps = c.out.inline[:1]
	d.awaited = true
	d.add((*source[T, U])(c))
	return &c.out
}

// source is the step of the Deferred of T.
type source[T, U any] then[T, U]

func (s *source[T, U]) Apply(d *Deferred[T]) node {
	var raised string
	s.in, raised, s.out.err = d.take()
	s.out.inherit(raised)
	s.out.waits = nil
	return &s.out
}

// conversion is the step of the Deferred of U, so that what f does wrong is an error of that one.
type conversion[T, U any] then[T, U]

func (c *conversion[T, U]) Apply(d *Deferred[U]) node {
	v, err := c.in, d.err
	var none T
	c.in, d.err = none, nil
	switch {
	case c.both != nil:
		if d.value, d.err = c.both(v, err); d.err != nil {
			d.failed(c.both, err)
		}
	case err != nil:
		d.err = err
	case c.chain != nil:
		d.wait(c.chain(v))
	default:
		if d.value, d.err = c.value(v); d.err != nil {
			d.failed(c.value, nil)
		}
	}
	return nil
}

// Do calls f and returns a Deferred of its result (maybeDeferred, execute). A panic in f is a
// *corolla.PanicError.
func Do[T any](l *corolla.Loop, f func() (T, error)) *Deferred[T] {
	d := &Deferred[T]{loop: l, called: true, origin: made(l.CallSite())}
	return d.add(call[T](f))
}

// DoChain is Do for a function that returns a Deferred.
func DoChain[T any](l *corolla.Loop, f func() *Deferred[T]) *Deferred[T] {
	d := &Deferred[T]{loop: l, called: true, origin: made(l.CallSite())}
	return d.ChainCallback(func(T) *Deferred[T] { return f() })
}
