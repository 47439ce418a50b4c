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

// Go drives a generator on a loop: it is resumed when what it yielded has come about.
// The future gives what it returned. Canceling the future closes the generator, as closing
// the loop does. Whoever delegates with From to another generator waits for what that one
// waits for.
//
// This is the whole of a scheduler of generators: the loop does the rest.
func Go[R any](l *corolla.Loop, body Coroutine[R]) *corolla.Future[R] {
	d := &driver[R]{loop: l, g: New(body), result: corolla.NewFuture[R](l)}
	d.step = d.next
	d.timer = l.After(0, d.step)
	d.result.OnCancel(d.cancel)
	d.forget = l.OnClose(func() {
		d.cancel(corolla.ErrLoopClosed)
		for range 100 { // a body that goes on when it is closed
			if d.g.Close() == nil {
				break
			}
		}
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
}

func (d *driver[R]) next() {
	d.wait = Wait{}
	w, err := d.g.Next()
	for err == nil {
		busy := d.await(w)
		if busy == nil {
			return
		}
		w, err = d.g.Throw(busy)
	}
	d.end(err)
}

// await sees to it that step is called when what the generator waits for is there.
func (d *driver[R]) await(w Wait) (err error) {
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

func (d *driver[R]) end(err error) {
	d.forget()
	if err == ErrStop {
		_ = d.result.Resolve(d.g.Value()) // nobody else settles it
		return
	}
	_ = d.result.Fail(err)
}

// cancel closes the generator. One that is running, and so cancels itself, ends where it
// next waits.
func (d *driver[R]) cancel(cause error) {
	switch w := d.wait; w.kind {
	case turn:
		d.soon.Cancel()
	case readable:
		_ = w.sock.OnceReadable(nil) // nobody else can wait there
	case writable:
		_ = w.sock.OnceWritable(nil)
	case other:
		d.stop()
	}
	d.timer.Stop()
	err := d.g.Close()
	switch {
	case err == ErrRunning:
		d.soon = d.loop.Soon(func() { d.cancel(cause) })
	case err != nil:
		d.end(err)
	default:
		d.end(&corolla.CanceledError{Cause: cause})
	}
}

// Read reads at most len(b) bytes from a socket, in a generator that runs on a loop:
// it yields until there is one. At the end of the stream it returns io.EOF.
func Read(y *Yield[Wait, struct{}], s *corolla.Socket, b []byte) (int, error) {
	for {
		n, err := s.TryRead(b)
		if err != corolla.ErrWouldBlock {
			return n, err
		}
		if _, err := y.Yield(Readable(s)); err != nil {
			return 0, err
		}
	}
}

// Write writes all of b to a socket, in a generator that runs on a loop.
func Write(y *Yield[Wait, struct{}], s *corolla.Socket, b []byte) (written int, err error) {
	for {
		n, err := s.TryWrite(b[written:])
		if written += n; err != nil && err != corolla.ErrWouldBlock || written == len(b) {
			return written, err
		}
		if _, err := y.Yield(Writable(s)); err != nil {
			return written, err
		}
	}
}
