// Package deferred has Twisted's Deferred: a result that is not there yet, with a chain of
// callbacks and errbacks, each of which turns one result into the next.
//
//	d := deferred.New(l)
//	d.AddCallback(func(v any) (any, error) { return v.(int) + 1, nil })
//	d.AddErrback(func(err error) (any, error) { return 0, nil })
//	d.Callback(41)
//
// A chain holds values of any type, as Twisted's does, since each step may change the type.
// Callbacks run at once, inside the call to Callback or, if the result is already there, to
// AddCallback: a Deferred needs no turn of the loop. The loop is needed only for unhandled errors,
// which go to its error handler.
package deferred

import (
	"errors"
	"runtime/debug"

	"github.com/corolla-go/corolla"
)

// ErrAlreadyCalled is returned by Callback and Errback on a Deferred that already has its result
// (Twisted's AlreadyCalledError).
var ErrAlreadyCalled = errors.New("deferred: already called")

// Deferred is a future result and the chain of callbacks attached to it. It belongs to its loop's
// goroutine.
type Deferred struct {
	loop    *corolla.Loop
	called  bool // Callback or Errback was called
	running bool // a callback is being called
	waits   bool // for a Deferred that a callback returned
	steps   []step
	value   any
	err     error
	unseen  *corolla.Unseen
	from    string // where it was made, in debug mode
}

// step is a pair of callbacks, one of which is called, or else a Deferred that waits for this one's
// result.
type step struct {
	callback func(any) (any, error)
	errback  func(error) (any, error)
	waiter   *Deferred
}

// New returns a Deferred without a result.
func New(l *corolla.Loop) *Deferred { return &Deferred{loop: l, from: l.CallSite()} }

// Succeed returns a Deferred that already has its result.
func Succeed(l *corolla.Loop, v any) *Deferred { return &Deferred{loop: l, called: true, value: v} }

// Fail returns a Deferred that has already failed. It panics on a nil error.
func Fail(l *corolla.Loop, err error) *Deferred {
	d := &Deferred{loop: l, from: l.CallSite()}
	_ = d.Errback(err) // it has no result yet
	return d
}

// Callback sets the result and runs the chain. It returns ErrAlreadyCalled if there already is a
// result, and panics on a Deferred, which a callback may return but which cannot be a result.
func (d *Deferred) Callback(v any) error {
	if _, ok := v.(*Deferred); ok {
		panic("deferred: Callback with a Deferred: return it from a callback, and the chain waits for it")
	}
	return d.call(v, nil)
}

// Errback sets an error as the result and runs the chain. It returns ErrAlreadyCalled if there
// already is a result, and panics on a nil error.
func (d *Deferred) Errback(err error) error {
	if err == nil {
		panic("deferred: Errback with a nil error: use Callback")
	}
	return d.call(nil, err)
}

func (d *Deferred) call(v any, err error) error {
	if d.called {
		return ErrAlreadyCalled
	}
	d.called, d.value, d.err = true, v, err
	d.run()
	return nil
}

// Called reports whether Callback or Errback was called.
func (d *Deferred) Called() bool { return d.called }

// AddCallbacks adds a pair: callback gets a value, errback an error. An error of the callback goes
// to the next pair, never to this errback. Either may be nil, and then what it would get is passed
// on. If one returns a Deferred, the chain waits for its result and takes it over: the returned
// Deferred's own result is nil from then on. A panic becomes a *corolla.PanicError. It returns d.
func (d *Deferred) AddCallbacks(callback func(any) (any, error), errback func(error) (any, error)) *Deferred {
	d.steps = append(d.steps, step{callback: callback, errback: errback})
	if d.called {
		d.run()
	}
	return d
}

// AddCallback adds a callback for a value.
func (d *Deferred) AddCallback(f func(v any) (any, error)) *Deferred { return d.AddCallbacks(f, nil) }

// AddErrback adds a callback for an error.
func (d *Deferred) AddErrback(f func(err error) (any, error)) *Deferred {
	return d.AddCallbacks(nil, f)
}

// AddBoth adds one callback for either; one of its arguments is nil.
func (d *Deferred) AddBoth(f func(v any, err error) (any, error)) *Deferred {
	return d.AddCallbacks(
		func(v any) (any, error) { return f(v, nil) },
		func(err error) (any, error) { return f(nil, err) })
}

// Await parks t until the chain has reached its end, and takes its result.
func (d *Deferred) Await(t *corolla.Task) (any, error) {
	f := corolla.NewFuture[any](d.loop)
	d.AddBoth(func(v any, err error) (any, error) {
		if f.Done() { // t was canceled
			return v, err
		}
		if err != nil {
			return nil, f.Fail(err)
		}
		return nil, f.Resolve(v)
	})
	return f.Await(t)
}

// run runs what it can of the chain, and of the chains that wait for its result. An explicit stack
// of chains, instead of recursion, keeps thousands of Deferreds that wait for one another from
// growing the goroutine's stack.
func (d *Deferred) run() {
	if d.running { // a callback added a callback: it runs in its turn
		return
	}
	for chains := []*Deferred{d}; len(chains) > 0; {
		d := chains[len(chains)-1]
		if next := d.advance(); next != nil {
			chains = append(chains, next)
		} else {
			chains = chains[:len(chains)-1]
		}
	}
}

// advance runs d's steps until it must wait, has none left, or has given its result
// to another chain, which it returns.
func (d *Deferred) advance() (next *Deferred) {
	d.see()
	for len(d.steps) > 0 && !d.waits {
		s := d.steps[0]
		d.steps[0] = step{}
		d.steps = d.steps[1:]
		if s.waiter != nil {
			s.waiter.waits = false
			s.waiter.take(d)
			return s.waiter
		}
		d.do(s)
		if inner, ok := d.value.(*Deferred); ok && d.err == nil {
			d.wait(inner)
		}
	}
	if d.err != nil {
		d.unseen = corolla.ReportUnseen(d.loop, d, d.err, "a Deferred"+d.from)
	}
	return nil
}

// wait makes inner's result d's, now or when inner has one.
func (d *Deferred) wait(inner *Deferred) {
	if inner.called && !inner.waits && !inner.running {
		d.take(inner)
		return
	}
	d.waits = true
	inner.steps = append(inner.steps, step{waiter: d})
}

// take moves another Deferred's result to d.
func (d *Deferred) take(from *Deferred) {
	d.value, d.err = from.value, from.err
	from.value, from.err = nil, nil
	from.see()
}

// see marks the error as handled.
func (d *Deferred) see() {
	if d.unseen != nil {
		d.unseen.Seen()
		d.unseen = nil
	}
}

// do calls one of a pair of callbacks with the result, and replaces the result with the callback's.
func (d *Deferred) do(s step) {
	d.running = true
	defer func() {
		d.running = false
		v := recover()
		switch {
		case corolla.IsUnwinding(v):
			panic(v) // unwinds the task that called this
		case v != nil:
			d.value, d.err = nil, &corolla.PanicError{Value: v, Stack: debug.Stack(), Where: "a callback of a Deferred"}
		}
	}()
	switch {
	case d.err == nil && s.callback != nil:
		d.value, d.err = s.callback(d.value)
	case d.err != nil && s.errback != nil:
		d.value, d.err = s.errback(d.err)
	}
}
