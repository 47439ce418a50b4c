// Package deferred has Twisted's Deferred, typed: a result that is not there yet, with a chain of
// callbacks and errbacks, each of which turns one result into the next.
//
//	d := deferred.New[int](l)
//	d.AddCallback(func(v int) (int, error) { return v + 1, nil })
//	d.AddErrback(func(err error) (int, error) { return 0, nil })
//	s := deferred.Then(d, func(v int) (string, error) { return strconv.Itoa(v), nil })
//	d.Callback(41)
//
// Callbacks keep the type of the result; Then changes it. A function that returns a Deferred is added
// by a method or function with Chain in its name, and the chain then waits for that Deferred. So the
// compiler sees to it that no error is fired as a value, and that no Deferred is lost in one.
//
// Callbacks run at once, inside the call to Callback or, if the result is already there, to
// AddCallback: a chain needs no turn of the loop. Nor does it use the stack: one Deferred may wait for
// another, and that for a third, as long as one likes.
//
// Everything here belongs to its loop's goroutine, and panics when another one calls.
//
// Methods have Twisted's names, in Go's spelling. Where another was better, the comment has Twisted's
// in parentheses.
package deferred

import (
	"errors"

	"github.com/corolla-go/corolla"
)

// The rules that the comments and tests mention by number are those that Twisted's own tests assert
// most: what order callbacks have, who gets which error, what a cancel does.
//
// A chain of any type was tried first, as Twisted has it: each callback then began with a type
// assertion, an error given to Callback went down the chain as a value, and so did a Deferred inside of
// a struct or a slice.

// ErrAlreadyCalled is returned by Callback and Errback on a Deferred that already has its result
// (AlreadyCalledError).
var ErrAlreadyCalled = errors.New("deferred: already called")

// Deferred is a future result and the chain of callbacks attached to it.
type Deferred[T any] struct {
	loop     *corolla.Loop
	steps    []link[T] // those that have not run
	inline   [2]link[T]
	value    T
	err      error
	waits    node // the Deferred whose result this one waits for
	canceler func(d *Deferred[T], cause error)
	unseen   *corolla.Unseen
	origin   *origin // in debug mode
	paused   int32
	called   bool // it has, or waits for, its first result
	running  bool // a callback is being called
	awaited  bool // another Deferred has waited for it
	swallow  bool // the next result is dropped: this was canceled, and nobody told its maker
	patient  bool // the canceler sees to the result, which may come later
}

// New returns a Deferred without a result. Whoever makes it sees to it that Callback or Errback is
// called.
func New[T any](l *corolla.Loop) *Deferred[T] {
	return &Deferred[T]{loop: l, origin: made(l.CallSite())}
}

// NewCancelable returns a Deferred without a result whose maker can be told that nobody wants it any
// more: Cancel calls the canceler, which stops the work, and may fire d itself. If it does not, d then
// fails with a *corolla.CanceledError.
func NewCancelable[T any](l *corolla.Loop, canceler func(d *Deferred[T], cause error)) *Deferred[T] {
	return &Deferred[T]{loop: l, canceler: canceler, origin: made(l.CallSite())}
}

// Succeed returns a Deferred that already has its result (succeed).
func Succeed[T any](l *corolla.Loop, v T) *Deferred[T] {
	return &Deferred[T]{loop: l, called: true, value: v, origin: made(l.CallSite())}
}

// Fail returns a Deferred that has already failed (fail). It panics on a nil error.
func Fail[T any](l *corolla.Loop, err error) *Deferred[T] {
	d := &Deferred[T]{loop: l}
	if site := l.CallSite(); site != "" {
		d.origin = made(site)
		d.raised("Fail", site)
	}
	d.fire(d.value, mustFail(err, "Fail"))
	return d
}

func mustFail(err error, what string) error {
	if err == nil {
		panic("deferred: " + what + " with a nil error: give Callback or Succeed a value")
	}
	return err
}

// Loop returns the loop that d belongs to.
func (d *Deferred[T]) Loop() *corolla.Loop { return d.loop }

// Callback sets the result and runs the chain. It returns ErrAlreadyCalled if there already is a
// result; after a Cancel of which the maker was not told, one result is dropped without an error.
func (d *Deferred[T]) Callback(v T) error {
	d.loop.Check("Deferred.Callback")
	if d.called {
		return d.late()
	}
	d.fire(v, nil)
	return nil
}

// Errback sets an error as the result and runs the chain. It returns what Callback does, and panics on
// a nil error.
func (d *Deferred[T]) Errback(err error) error {
	site := d.loop.CallSite()
	var zero T
	if mustFail(err, "Errback"); d.called {
		return d.late()
	}
	if d.origin != nil {
		d.raised("Errback", site)
	}
	d.fire(zero, err)
	return nil
}

// late is the answer to a second result.
func (d *Deferred[T]) late() error {
	if d.swallow {
		d.swallow = false
		return nil
	}
	return ErrAlreadyCalled
}

func (d *Deferred[T]) fire(v T, err error) {
	d.called, d.value, d.err = true, v, err
	d.run()
}

// Called reports whether d has been given a result, or canceled. Callbacks may still wait for others;
// Result knows that.
func (d *Deferred[T]) Called() bool {
	d.loop.Check("Deferred.Called")
	return d.called
}

// Result returns the value or the error that the chain has come to, and leaves it where it is; an error
// then counts as seen. It returns corolla.ErrPending if there is no result, or callbacks have yet to
// run. (What trial's successResultOf, failureResultOf and assertNoResult are for.)
func (d *Deferred[T]) Result() (T, error) {
	d.loop.Check("Deferred.Result")
	if !d.settled() {
		var zero T
		return zero, corolla.ErrPending
	}
	d.see()
	return d.value, d.err
}

// AddCallbacks adds a pair: callback gets a value, errback an error. An error of the callback goes to
// the next pair, never to this errback. Either may be nil, and then what it would get is passed on. A
// panic becomes a *corolla.PanicError. It returns d.
func (d *Deferred[T]) AddCallbacks(callback func(T) (T, error), errback func(error) (T, error)) *Deferred[T] {
	switch {
	case errback == nil && callback == nil:
		return d
	case errback == nil:
		return d.AddCallback(callback)
	case callback == nil:
		return d.AddErrback(errback)
	}
	return d.add(&pair[T]{callback, errback})
}

// AddCallback adds a callback for a value. It returns d.
func (d *Deferred[T]) AddCallback(f func(v T) (T, error)) *Deferred[T] { return d.add(callback[T](f)) }

// AddErrback adds a callback for an error. It returns d.
func (d *Deferred[T]) AddErrback(f func(err error) (T, error)) *Deferred[T] {
	return d.add(errback[T](f))
}

// AddBoth adds one callback for either; the value is the zero value if there is an error. It returns d.
func (d *Deferred[T]) AddBoth(f func(v T, err error) (T, error)) *Deferred[T] {
	return d.add(both[T](f))
}

// ChainCallback adds a callback for a value that returns a Deferred. The chain waits for that one's
// result and takes it over: the returned Deferred's own result is the zero value from then on. It is a
// panic in the callback to return nil, d itself, a Deferred that waits for d, or one of another loop.
// It returns d.
func (d *Deferred[T]) ChainCallback(f func(v T) *Deferred[T]) *Deferred[T] {
	return d.add(chainCallback[T](f))
}

// ChainErrback is ChainCallback for an error.
func (d *Deferred[T]) ChainErrback(f func(err error) *Deferred[T]) *Deferred[T] {
	return d.add(chainErrback[T](f))
}

// ChainBoth is ChainCallback for either.
func (d *Deferred[T]) ChainBoth(f func(v T, err error) *Deferred[T]) *Deferred[T] {
	return d.add(chainBoth[T](f))
}

// ChainTo fires other with d's result when the chain has come this far (chainDeferred). d's result is
// the zero value from then on, or ErrAlreadyCalled if other already had one. It returns d.
func (d *Deferred[T]) ChainTo(other *Deferred[T]) *Deferred[T] {
	if other.loop != d.loop {
		panic("deferred: ChainTo a Deferred of another loop: use Post to fire that one")
	}
	return d.add((*chained[T])(other))
}

// Pause keeps callbacks from running until Unpause was called as often as Pause.
func (d *Deferred[T]) Pause() {
	d.loop.Check("Deferred.Pause")
	d.paused++
}

// Unpause undoes one Pause, and runs what has become due. It panics if d is not paused.
func (d *Deferred[T]) Unpause() {
	d.loop.Check("Deferred.Unpause")
	if d.paused == 0 {
		panic("deferred: Unpause of a Deferred that is not paused: call it once for each Pause")
	}
	if d.paused--; d.called {
		run(d)
	}
}

// String says where d was made, in debug mode, and what it has come to.
func (d *Deferred[T]) String() string {
	d.loop.Check("Deferred.String")
	switch {
	case !d.called:
		return d.describe() + ", not fired"
	case d.waits != nil:
		return d.describe() + ", waiting for another"
	case d.paused > 0:
		return d.describe() + ", paused"
	case d.err != nil:
		return d.describe() + ", failed: " + d.err.Error()
	}
	return d.describe() + ", fired"
}
