package aio

import (
	"bytes"
	"cmp"
	"io"

	"github.com/corolla-go/corolla"
)

// Copy reads what arrives at src and writes it to dst, until src's stream ends, and returns how
// many bytes dst took. It parks t while there is nothing to read, and while more than the high
// water mark is unsent. dst's stream stays open: CloseWrite ends it.
//
// While nothing arrives it holds no buffer, so it suits connections that are many and mostly
// idle, short messages, and TLS; SpliceTo moves bulk with less work. Others may write to dst
// in between: each piece waits in line as a Write does. After an error, what dst did not take can still
// be read from src. A proxy is two of these.
func Copy(t *corolla.Task, dst, src *Conn) (n int64, err error) {
	r := newRelay(t, dst, src)
	for r.err == nil {
		if r.begin() {
			for r.relaying {
				r.look(t.Park("something to copy"))
			}
			r.stop()
		}
		if r.err == nil {
			r.pass()
		}
	}
	return r.moved, r.result()
}

// relay is a Copy under way. As long as dst takes what comes, a callback moves it while the task stays
// parked: that saves two switches for each piece, and the calls that read and write are on the loop's
// stack instead of on that of every idle task. Whatever has to wait, the task does.
//
// What is on the stack of a parked task, from Copy down, is kept small: see readSome.
type relay struct {
	task     *corolla.Task
	dst, src *Conn
	moved    int64
	callback func()
	relaying bool // the callback is set, and the task has nothing to do yet
	err      error
}

//go:noinline
func newRelay(t *corolla.Task, dst, src *Conn) *relay {
	r := &relay{task: t, dst: dst, src: src}
	r.callback = r.readable
	return r
}

// begin sets the callback, unless something has arrived already.
//
//go:noinline
func (r *relay) begin() bool {
	if len(r.src.in) > 0 || r.src.stream.HasTLS() { // TLS may have more than its socket tells of
		return false
	}
	if r.err = r.src.read.begin(r.task, false); r.err != nil {
		return false
	}
	r.relaying = true
	r.src.read.giveUp = r.mute // also when t is unwound: a defer would be on the stack
	r.src.Socket().OnReadable(r.callback)
	r.look(nil)
	return true
}

// look ends the relay if the task may not wait, which err says, or src can give nothing more.
//
//go:noinline
func (r *relay) look(err error) {
	if err == nil && r.relaying {
		err = r.src.wrap("read", cmp.Or(unreadable(r.src), r.src.stream.Err()))
	}
	if err != nil {
		r.relaying, r.err = false, err
	}
}

//go:noinline
func (r *relay) stop() {
	r.mute()
	r.src.read.giveUp = nil
	r.src.read.end(r.task)
}

func (r *relay) mute() { r.src.Socket().OnReadable(nil) }

// readable is called when something has arrived.
func (r *relay) readable() {
	if r.src.read.holder() != r.task { // which was unwound, or abandoned, and mute was called
		return
	}
	b := r.src.Socket().Loop().Scratch()
	n, err := r.src.stream.TryRead(b)
	switch {
	case err == corolla.ErrWouldBlock:
		return
	case err != nil:
		r.err = r.src.wrap("read", err)
	case r.dst.ending || mustWait(r.dst) || unwritable(r.dst) != nil || r.dst.stream.Write(b[:n]) != nil:
		r.src.in = bytes.Clone(b[:n])
	default:
		r.moved += int64(n)
		if !r.dst.stream.Outbox().Above() {
			return
		}
	}
	r.relaying = false
	r.mute()
	r.task.Unpark()
}

// pass moves what has arrived, waiting for whatever there is to wait for. What dst does not take
// goes back to src.
//
//go:noinline
func (r *relay) pass() {
	if len(r.src.in) == 0 && !r.src.stream.HasTLS() { // all is taken
		r.err = r.dst.wrap("write", room(r.dst, r.task))
		return
	}
	b, err := r.src.Receive(r.task)
	if err != nil {
		r.err = err
		return
	}
	if mustWait(r.dst) {
		b = bytes.Clone(b)
	}
	taken, err := write(r.dst, r.task, b)
	r.moved += int64(taken)
	if taken == 0 && err != nil && !r.src.closed {
		r.src.in = append(bytes.Clone(b), r.src.in...)
	}
	r.err = err
}

// result is the error of the whole.
//
//go:noinline
func (r *relay) result() error {
	if r.err == io.EOF {
		return r.dst.wrap("write", r.dst.stream.Err())
	}
	return r.err
}
