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
}

type kind uint8

const (
	turn kind = iota
	readable
	writable
	sleep
)

// Turn waits for the next turn of the loop.
func Turn() Wait { return Wait{} }

// Readable waits until a socket can be read, or accepted from.
func Readable(s *corolla.Socket) Wait { return Wait{kind: readable, sock: s} }

// Writable waits until a socket can be written to.
func Writable(s *corolla.Socket) Wait { return Wait{kind: writable, sock: s} }

// Sleep waits for d.
func Sleep(d time.Duration) Wait { return Wait{kind: sleep, d: d} }

// A Coroutine is the body of a generator that yields what it waits for.
type Coroutine[R any] func(y *Yield[Wait, struct{}]) (R, error)

// Go drives a generator on a loop: it is resumed when what it yielded has come about.
// The future gives what it returned. Canceling the future closes the generator.
//
// This is the whole of a scheduler of generators: the loop does the rest.
func Go[R any](l *corolla.Loop, body Coroutine[R]) *corolla.Future[R] {
	d := &driver[R]{loop: l, g: New(body), result: corolla.NewFuture[R](l)}
	d.step = d.next
	d.timer = l.After(0, d.step)
	d.result.OnCancel(d.cancel)
	d.forget = l.OnClose(func() { d.cancel(corolla.ErrLoopClosed) })
	return d.result
}

type driver[R any] struct {
	loop   *corolla.Loop
	g      *Generator[Wait, struct{}, R]
	result *corolla.Future[R]
	step   func() // next, made once
	timer  *corolla.Timer
	wait   Wait   // for this, if it is a socket
	forget func() // the loop's OnClose
}

func (d *driver[R]) next() {
	d.unwatch()
	w, err := d.g.Next()
	if err != nil {
		d.end(err)
		return
	}
	switch d.wait = w; w.kind {
	case turn:
		d.loop.Soon(d.step)
	case readable:
		w.sock.OnReadable(d.step)
	case writable:
		w.sock.OnWritable(d.step)
	case sleep:
		d.timer.Reset(w.d)
	}
}

// unwatch stops waiting for a socket.
func (d *driver[R]) unwatch() {
	switch w := d.wait; w.kind {
	case readable:
		w.sock.OnReadable(nil)
	case writable:
		w.sock.OnWritable(nil)
	}
	d.wait = Wait{}
}

func (d *driver[R]) end(err error) {
	d.forget()
	if err == ErrStop {
		_ = d.result.Resolve(d.g.Value()) // nobody else settles it
		return
	}
	_ = d.result.Fail(err)
}

func (d *driver[R]) cancel(cause error) {
	d.unwatch()
	d.timer.Stop()
	if err := d.g.Close(); err != nil {
		d.end(err)
		return
	}
	d.end(&corolla.CanceledError{Cause: cause})
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
