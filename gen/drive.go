package gen

import (
	"time"

	"github.com/corolla-go/corolla"
)

// Wait is what a generator that runs on a loop yields: what it waits for.
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

// Readable waits until a socket can be read or accepted from, or was closed.
func Readable(s *corolla.Socket) Wait { return Wait{kind: readable, sock: s} }

// Writable waits until a socket can be written to, or was closed.
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

// What a canceled generator's cleanup may wait: so many times, and so long.
const (
	maxCleanupWaits = 100
	maxCleanupTime  = 5 * time.Second
)

// Go drives a generator on a loop: it is resumed when what it yielded has come about.
// The future gives what it returned. Whoever delegates with From to another generator waits for
// what that one waits for.
//
// Canceling the future closes the generator, as closing the loop does: what it waits for returns
// ErrExit. Its cleanup may wait in turn, 100 times and for 5 seconds in all, and not when the loop
// is closed; after that every wait returns ErrExit again, and one that goes on all the same is
// unwound by a panic, so that its deferred functions run, and reported to the loop's error handler
// as ErrIgnored. The future is settled at the end, with a *corolla.CanceledError unless the body
// says something else than ErrExit.
//
// This is the whole of a scheduler of generators: the loop does the rest.
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
	stop   func() bool // of a wait of another kind
	forget func()      // the loop's OnClose

	refused  error // is to be thrown in the next turn
	canceled *corolla.CanceledError
	told     bool // of the cancel
	late     bool // its cleanup may not wait any more
	waits    int  // of its cleanup
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

// drive goes on with what the generator has yielded, until it waits or has ended.
func (d *driver[R]) drive(w Wait, err error) {
	for refusals := 0; err == nil; refusals++ {
		switch refusal := d.await(w); {
		case refusal == nil:
			return
		case d.late:
			d.finish()
			return
		case refusals == maxRefused: // it does not look at its errors: the loop is not for it alone
			d.refused = refusal
			d.soon = d.loop.Soon(d.step)
			return
		default:
			w, err = d.g.Throw(refusal)
		}
	}
	d.end(err)
}

// await sees to it that step is called when what the generator waits for is there, or says why
// it cannot wait.
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

// mayWait says whether a canceled generator may wait once more. The first time it has yet to hear
// that it was canceled.
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
		_ = w.sock.OnceReadable(nil) // nobody else can wait there
	case writable:
		_ = w.sock.OnceWritable(nil)
	case other:
		d.stop()
	}
	d.wait, d.refused = Wait{}, nil
}

// cancel closes the generator. One that is running, and so cancels itself, hears of it where it
// next waits.
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

// finish ends the generator whatever its body does.
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
		_ = d.result.Fail(d.canceled) // nobody else settles it
	case err == ErrStop:
		_ = d.result.Resolve(d.g.Value())
	default:
		_ = d.result.Fail(err)
	}
}
