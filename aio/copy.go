package aio

import (
	"bytes"
	"cmp"
	"io"

	"github.com/corolla-go/corolla"
)

// Copy reads from src and writes to dst until src's stream ends, and returns how many bytes dst
// accepted. It parks t while there is nothing to read, and while dst is above its high water mark.
// dst's stream stays open; CloseWrite ends it.
//
// While nothing arrives it holds no buffer, so it suits many mostly idle connections, short
// messages, and TLS; SpliceTo moves bulk data at less cost. Other tasks may write to dst in
// between: each piece waits in line as a Write does. On an error, data that dst did not accept can
// still be read from src. A proxy is two Copies, one each way.
func Copy(t *corolla.Task, dst, src *Conn) (n int64, err error) {
	r := &relay{task: t, dst: dst, src: src}
	for err == nil {
		if err = r.run(); err == nil {
			err = r.pass()
		}
	}
	if err == io.EOF {
		err = dst.wrap("write", dst.stream.Err())
	}
	return r.moved, err
}

// relay is a Copy under way. As long as dst keeps up, a callback moves the data while the task
// stays parked: that saves two switches per piece, and the frames for reading and writing are on
// the loop's stack instead of every idle task's. Anything that has to wait is left to the task.
type relay struct {
	task     *corolla.Task
	dst, src *Conn
	moved    int64
	handOver bool // to the task: something has to wait, or failed
	err      error
}

// run parks the task until there is something that only the task can do.
func (r *relay) run() error {
	src := r.src
	if len(src.in) > 0 || src.stream.HasTLS() { // TLS may hold data that its socket does not show
		return nil
	}
	if err := src.read.begin(r.task, false); err != nil {
		return err
	}
	defer r.stop()
	r.handOver = false
	src.Socket().OnReadable(r.readable)
	for !r.handOver {
		if err := cmp.Or(unreadable(src), src.stream.Err()); err != nil {
			return src.wrap("read", err)
		}
		if err := r.task.Park("something to copy"); err != nil {
			return src.wrap("read", err)
		}
	}
	return src.wrap("read", r.err)
}

func (r *relay) stop() {
	r.src.Socket().OnReadable(nil)
	r.src.read.end(r.task)
}

// readable is called when src's socket has become readable.
func (r *relay) readable() {
	b := r.src.Socket().Loop().Scratch()
	n, err := r.src.stream.TryRead(b)
	switch {
	case err == corolla.ErrWouldBlock:
		return
	case err != nil:
		r.err = err
	case r.dst.ending || mustWait(r.dst) || unwritable(r.dst) != nil || r.dst.stream.Write(b[:n]) != nil:
		r.src.in = bytes.Clone(b[:n])
	default:
		r.moved += int64(n)
		if !r.dst.stream.Outbox().Above() {
			return
		}
	}
	r.handOver = true
	r.src.Socket().OnReadable(nil)
	r.task.Unpark()
}

// pass moves what has arrived, waiting where it must. What dst does not accept goes back to src.
func (r *relay) pass() error {
	if len(r.src.in) == 0 && !r.src.stream.HasTLS() { // nothing is left to pass on
		return r.dst.wrap("write", room(r.dst, r.task))
	}
	b, err := r.src.Receive(r.task)
	if err != nil {
		return err
	}
	if mustWait(r.dst) {
		b = bytes.Clone(b)
	}
	taken, err := write(r.dst, r.task, b)
	r.moved += int64(taken)
	if taken == 0 && err != nil && !r.src.closed {
		r.src.in = append(bytes.Clone(b), r.src.in...)
	}
	return err
}
