package corolla

import (
	"context"
	"fmt"

	"github.com/corolla-go/corolla/internal/ds"
)

// Future is a result that may not be there yet. Its maker gets it from NewFuture and
// settles it, once, with Resolve or Fail; starting a task returns one that the task
// settles. Any number of tasks can await it.
//
// A Future belongs to its loop. To settle one from another goroutine, use Post.
type Future[T any] struct {
	loop     *Loop
	task     *Task // the task whose result it is, if any
	done     bool
	canceled bool
	value    T
	err      error
	waiting  Waiters
	onCancel canceler // if nil, Cancel settles the future
	unseen   *Unseen
	site     site
}

// NewFuture returns a pending future.
func NewFuture[T any](l *Loop) *Future[T] {
	l.check("NewFuture")
	return &Future[T]{loop: l, site: l.site()}
}

// Resolve settles the future with a value. It returns ErrSettled if it is already
// settled. Tasks and callbacks that wait for it run in the next turn, in the order
// in which they began to wait.
func (f *Future[T]) Resolve(v T) error { return f.set(v, nil) }

// Fail settles the future with an error. It returns ErrSettled if it is already
// settled, and panics on a nil error.
func (f *Future[T]) Fail(err error) error {
	if err == nil {
		panic("corolla: Future.Fail with a nil error: use Resolve")
	}
	var zero T
	return f.set(zero, err)
}

func (f *Future[T]) set(v T, err error) error {
	f.loop.check("a future's Resolve or Fail")
	if f.task != nil {
		return fmt.Errorf("settle the future of %v: only the task can", f.task)
	}
	if f.done {
		return ErrSettled
	}
	f.settle(v, err)
	return nil
}

func (f *Future[T]) settle(v T, err error) {
	f.done, f.value, f.err = true, v, err
	f.canceled = isCancel(err)
	f.onCancel = nil
	if err != nil && !f.canceled && !IsOnly(err, ErrLoopClosed, ErrCanceled, context.Canceled) {
		f.unseen = ReportUnseen(f.loop, f, err, f.String())
	}
	f.waiting.WakeAll()
}

// OnCancel sets what Cancel does instead of settling the future: stop is called with
// the cause, and must make sure that the future is eventually settled.
func (f *Future[T]) OnCancel(stop func(cause error)) {
	f.loop.check("Future.OnCancel")
	if f.onCancel = nil; stop != nil {
		f.onCancel = cancelFunc(stop)
	}
}

// Cancel asks for work on the result to stop, and reports whether the future was still
// pending. The future of a task cancels the task, and is settled when that has ended; any
// other is settled now, with a *CanceledError, unless OnCancel was used.
func (f *Future[T]) Cancel(cause error) bool {
	f.loop.check("Future.Cancel")
	switch {
	case f.done:
		return false
	case f.task != nil:
		f.task.Cancel(cause)
	case f.onCancel != nil:
		f.callOnCancel(cause)
	default:
		var zero T
		f.settle(zero, &CanceledError{Cause: cause})
	}
	return true
}

// callOnCancel survives a panic, so that a caller that cancels many futures cancels them all.
func (f *Future[T]) callOnCancel(cause error) {
	defer func() {
		if v := recover(); v != nil {
			f.settleOnce(f.value, f.loop.Recovered(v, "OnCancel of "+f.String()))
		}
	}()
	f.onCancel.cancel(cause)
}

// Done reports whether the future is settled.
func (f *Future[T]) Done() bool {
	f.loop.check("Future.Done")
	return f.done
}

// Canceled reports whether the future is settled with a cancel.
func (f *Future[T]) Canceled() bool {
	f.loop.check("Future.Canceled")
	return f.canceled
}

// Result returns the value or the error, or ErrPending if the future is not settled.
func (f *Future[T]) Result() (T, error) {
	f.loop.check("Future.Result")
	if !f.done {
		return f.value, ErrPending
	}
	f.look()
	return f.value, f.err
}

// Task returns the task whose result the future is, or nil if it is not a task's.
func (f *Future[T]) Task() *Task { return f.task }

// Loop returns the future's loop.
func (f *Future[T]) Loop() *Loop { return f.loop }

// look records that the error was seen.
func (f *Future[T]) look() {
	if f.unseen != nil {
		f.unseen.Seen()
		f.unseen = nil
	}
}

// canceler does what canceling a future requires.
type canceler interface{ cancel(cause error) }

type cancelFunc func(cause error)

func (f cancelFunc) cancel(cause error) { f(cause) }

// OnDone calls call in the turn after the future is settled, or in the next turn if it is
// settled already. stop keeps it from being called, and reports whether it did.
func (f *Future[T]) OnDone(call func(*Future[T])) (stop func() bool) {
	f.loop.check("Future.OnDone")
	d := &doneCall[T]{f: f, call: call}
	if f.done {
		f.loop.push(d)
	} else {
		d.enter()
	}
	return d.stop
}

type doneCall[T any] struct {
	f     *Future[T]
	call  func(*Future[T])
	place ds.Link[wakeable]
}

func (d *doneCall[T]) enter() {
	d.place.Value = d
	d.f.waiting.line.Push(&d.place)
	d.f.loop.callbacks++
}

func (d *doneCall[T]) wake() {
	d.f.loop.callbacks--
	d.f.loop.push(d)
}

func (d *doneCall[T]) belongs() *Loop { return d.f.loop }

func (d *doneCall[T]) run() {
	if call := d.call; call != nil {
		d.call = nil
		call(d.f)
	}
}

func (d *doneCall[T]) stop() bool {
	was := d.call != nil
	d.call = nil
	if d.place.Leave() {
		d.f.loop.callbacks--
	}
	return was
}

func (f *Future[T]) String() string {
	if f.task != nil {
		return f.task.String()
	}
	if f.site == 0 {
		return "a future"
	}
	return "a future made at " + f.site.String()
}

func (f *Future[T]) settleOnce(v T, err error) {
	if !f.done {
		f.settle(v, err)
	}
}
