package deferred

import (
	"time"

	"github.com/corolla-go/corolla"
)

// This file connects Deferreds with tasks and futures. Work on other goroutines needs nothing more:
//
//	deferred.FromFuture(corolla.Offload(l, work))                                   // deferToThread
//	corolla.Call(ctx, l, func(t *corolla.Task) (T, error) { return f().Await(t) })  // blockingCallFromThread

// FromFuture returns a Deferred of a future's result: at once if it is settled, otherwise in the turn
// after it is (fromFuture). Canceling the Deferred cancels the future, and it fires when that is
// settled.
func FromFuture[T any](f *corolla.Future[T]) *Deferred[T] {
	l := f.Loop()
	d := &Deferred[T]{loop: l, patient: true, origin: made(l.CallSite())}
	settled := func(f *corolla.Future[T]) {
		if !d.called { // otherwise the future keeps its result, and reports its error
			d.called = true
			if d.value, d.err = f.Result(); d.err != nil {
				d.raised(f.String(), "")
			}
			run(d)
		}
	}
	if f.Done() {
		settled(f)
		return d
	}
	f.OnDone(settled)
	d.canceler = func(_ *Deferred[T], cause error) {
		if f.Cancel(cause); f.Done() {
			settled(f)
		}
	}
	return d
}

// Future returns a future of d's result (asFuture), which d itself then has no longer. Canceling the
// future cancels d, and it is settled when the chain has come as far as here.
func (d *Deferred[T]) Future() *corolla.Future[T] {
	f := corolla.NewFuture[T](d.loop)
	d.add((*future[T])(f))
	if !f.Done() {
		f.OnCancel(func(cause error) { d.Cancel(cause) })
	}
	return f
}

// future is the step that settles one.
type future[T any] corolla.Future[T]

func (s *future[T]) Apply(d *Deferred[T]) node {
	f := (*corolla.Future[T])(s)
	if f.Done() { // whoever has it has settled it
		return nil
	}
	if v, _, err := d.take(); err != nil {
		_ = f.Fail(err) // it is not settled
	} else {
		_ = f.Resolve(v)
	}
	return nil
}

// Await parks t until the chain has come as far as here, and takes d's result, which is the zero value
// from then on; at once if it is there (yield d, await d). If t is canceled while it waits, so is d;
// corolla.Shield(d.Future()).Await(t) leaves d alone.
func (d *Deferred[T]) Await(t *corolla.Task) (T, error) {
	if d.loop.Check("Deferred.Await"); d.settled() && d.err == nil && t.Loop() == d.loop {
		v, _, err := d.take()
		return v, err
	}
	return d.Future().Await(t) // also for an error, of which a canceled task is told only so often
}

// Go runs body as a task and returns a Deferred of its result (inlineCallbacks, ensureDeferred,
// fromCoroutine). The body runs at once, to its first wait, and when it returns, the Deferred's
// callbacks run before anything else. Canceling the Deferred cancels the task, and so what it awaits;
// it fires when the task has ended. A body that panics fails it with a *corolla.PanicError.
func Go[T any](l *corolla.Loop, body func(t *corolla.Task) (T, error), opts ...corolla.TaskOption) *Deferred[T] {
	s := &started[T]{body: body}
	s.out.loop, s.out.origin, s.out.patient = l, made(l.CallSite()), true
	s.out.canceler = func(_ *Deferred[T], cause error) { s.job.Task().Cancel(cause) }
	s.job.Start(l, s, append(opts[:len(opts):len(opts)], corolla.Eager())...)
	return &s.out
}

// started is a task and the Deferred of its result.
type started[T any] struct {
	job  corolla.Job
	out  Deferred[T]
	body func(*corolla.Task) (T, error)
	v    T
}

func (s *started[T]) Run(t *corolla.Task) (err error) {
	s.v, err = s.body(t)
	return err
}

func (s *started[T]) Ended(err error) {
	d := &s.out
	v := s.v
	if err != nil {
		var zero T
		v = zero
		d.raised(s.job.Task().String(), "")
	}
	switch {
	case !d.called:
		d.fire(v, err)
	case err != nil: // somebody else has fired it
		d.loop.Report(err)
	}
}

func (s *started[T]) Function() any { return s.body }

// Later calls f when the time has passed, and returns a Deferred of its result (deferLater). Canceling
// it before then keeps f from being called.
func Later[T any](l *corolla.Loop, after time.Duration, f func() (T, error)) *Deferred[T] {
	d := &Deferred[T]{loop: l, origin: made(l.CallSite())}
	timer := l.After(after, func() {
		var zero T
		_ = d.Callback(zero) // refused if somebody else has fired it
	})
	d.canceler = func(*Deferred[T], error) { timer.Stop() }
	return d.add(call[T](f))
}
