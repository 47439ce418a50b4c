package gen

import (
	"time"

	"github.com/corolla-go/corolla"
)

// Wait is what a generator on a loop yields: what it waits for.
type Wait struct {
	kind kind
	sock *corolla.Socket
	d    time.Duration
	on   func(step func()) (stop func() bool)
}

type kind uint8

const (
	turn kind = iota
	readable
	writable
	sleep
	other
)

// Turn waits for the next turn of the loop.
func Turn() Wait { return Wait{} }

// Readable waits until a socket can be read or accepted from, or is closed.
func Readable(s *corolla.Socket) Wait { return Wait{kind: readable, sock: s} }

// Writable waits until a socket can be written to, or is closed.
func Writable(s *corolla.Socket) Wait { return Wait{kind: writable, sock: s} }

// Sleep waits for d.
func Sleep(d time.Duration) Wait { return Wait{kind: sleep, d: d} }

// Done waits until a future is settled.
func Done[T any](f *corolla.Future[T]) Wait {
	return Wait{kind: other, on: func(step func()) (stop func() bool) {
		return f.OnDone(func(*corolla.Future[T]) { step() })
	}}
}

// A Coroutine is the body of a generator that yields what it waits for.
type Coroutine[R any] func(y *Yield[Wait, struct{}]) (R, error)

// How often and how long the cleanup of a canceled generator may wait.
const (
	maxCleanupWaits = 100
	maxCleanupTime  = 5 * time.Second
)

// Go drives a generator on a loop: it is resumed when what it yielded has happened. The future
// resolves to what it returned. A generator that delegates to another with From waits for what that
// one waits for.
//
// Canceling the future closes the generator, as closing the loop does: its Yield returns ErrExit.
// Its cleanup may itself wait, up to 100 times and 5 seconds in all, but not when the loop is
// closed; after that every wait returns ErrExit again, and a generator that keeps going is unwound
// by a panic, so that its deferred functions run, and reported to the loop's error handler as
// ErrIgnored. The future is settled at the end, with a *corolla.CanceledError unless the body
// returns something other than ErrExit.
//
// This is all that a scheduler of generators needs: the loop does the rest.
func Go[R any](l *corolla.Loop, body Coroutine[R]) *corolla.Future[R] {
	d := &driver[R]{loop: l, g: New(body), result: corolla.NewFuture[R](l)}
	d.g.own.patient = true
	d.step = d.next
	d.timer = l.After(0, d.step)
	d.result.OnCancel(d.cancel)
	d.forget = l.OnClose(func() {
		d.cancel(corolla.ErrLoopClosed)
		d.hurry()
	})
	return d.result
}

type driver[R any] struct {
	loop   *corolla.Loop
	g      *Generator[Wait, struct{}, R]
	result *corolla.Future[R]
	step   func() // next, made once
	timer  *corolla.Timer
	soon   corolla.Handle
	wait   Wait
	stop   func() bool // ends a wait of another kind
	forget func()      // the loop's OnClose

	refused  error // to throw in the next turn
	canceled *corolla.CanceledError
	told     bool // the generator knows of the cancel
	late     bool // its cleanup may no longer wait
	waits    int  // by its cleanup
	limit    *corolla.Timer
}

// next resumes the generator when it has what it waited for.
func (d *driver[R]) next() {
	d.wait = Wait{}
	if err := d.refused; err != nil {
		d.refused = nil
		d.drive(d.g.Throw(err))
		return
	}
	d.drive(d.g.Next())
}

// drive acts on what the generator has yielded, until it waits or has ended.
func (d *driver[R]) drive(w Wait, err error) {
	for refusals := 0; err == nil; refusals++ {
		switch refusal := d.await(w); {
		case refusal == nil:
			return
		case d.late:
			d.finish()
			return
		case refusals == maxRefused: // it ignores its errors: let the loop do something else
			d.refused = refusal
			d.soon = d.loop.Soon(d.step)
			return
		default:
			w, err = d.g.Throw(refusal)
		}
	}
	d.end(err)
}

// await arranges for step to be called when what the generator waits for has happened, or returns
// why it cannot wait.
func (d *driver[R]) await(w Wait) (err error) {
	if d.canceled != nil && !d.mayWait() {
		return ErrExit
	}
	switch w.kind {
	case turn:
		d.soon = d.loop.Soon(d.step)
	case readable:
		err = w.sock.OnceReadable(d.step)
	case writable:
		err = w.sock.OnceWritable(d.step)
	case sleep:
		d.timer.Reset(w.d)
	case other:
		d.stop = w.on(d.step)
	}
	if err == nil {
		d.wait = w
	}
	return err
}

// mayWait reports whether a canceled generator may wait once more. If it does not yet know that it
// was canceled, it may not: it is told first.
func (d *driver[R]) mayWait() bool {
	if !d.told {
		d.told = true
		return false
	}
	if d.waits++; d.waits > maxCleanupWaits {
		d.late = true
	}
	if !d.late && d.limit == nil {
		d.limit = d.loop.After(maxCleanupTime, d.hurry)
	}
	return !d.late
}

// ignore undoes await.
func (d *driver[R]) ignore() {
	d.soon.Cancel()
	d.timer.Stop()
	switch w := d.wait; w.kind {
	case readable:
		_ = w.sock.OnceReadable(nil) // nothing else can wait there
	case writable:
		_ = w.sock.OnceWritable(nil)
	case other:
		d.stop()
	}
	d.wait, d.refused = Wait{}, nil
}

// cancel closes the generator. One that is running, and so cancels itself, is told at its next
// wait.
func (d *driver[R]) cancel(cause error) {
	if d.canceled != nil {
		return
	}
	d.canceled = &corolla.CanceledError{Cause: cause}
	if d.g.state != running {
		d.told = true
		d.ignore()
		d.drive(d.g.Throw(ErrExit))
	}
}

// hurry ends a canceled generator that still waits.
func (d *driver[R]) hurry() {
	if !d.result.Done() {
		d.late = true
		d.ignore()
		d.finish()
	}
}

// finish ends the generator, whatever its body does.
func (d *driver[R]) finish() {
	obeyed, err := d.g.finish()
	if !obeyed {
		d.loop.Report(d.g.ignored())
	}
	d.end(err)
}

// end settles the future with what the generator ended with.
func (d *driver[R]) end(err error) {
	d.forget()
	if d.limit != nil {
		d.limit.Stop()
	}
	switch {
	case d.canceled != nil && (err == nil || corolla.IsOnly(err, ErrStop, ErrExit)):
		_ = d.result.Fail(d.canceled) // nothing else settles it
	case err == ErrStop:
		_ = d.result.Resolve(d.g.Value())
	default:
		_ = d.result.Fail(err)
	}
}
