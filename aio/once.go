package aio

import (
	"slices"

	"github.com/corolla-go/corolla"
)

// Reading without a task. A connection that is mostly idle then costs no stack: its owner is called
// back when something arrives, and starts a task only if there is something to do.

// TryRead is Read that never parks: it returns corolla.ErrWouldBlock if nothing has arrived. While a
// task reads, it returns corolla.ErrBusy.
func (c *Conn) TryRead(b []byte) (int, error) {
	c.check("TryRead")
	if c.read.holder() != nil {
		return 0, corolla.ErrBusy
	}
	if err := unreadable(c); err != nil {
		return 0, c.wrap("read", err)
	}
	if len(c.in) > 0 && len(b) > 0 {
		return take(c, b), nil
	}
	n, err := c.stream.TryRead(b)
	if err == corolla.ErrWouldBlock {
		if err = c.stream.Err(); err == nil {
			return 0, corolla.ErrWouldBlock
		}
	}
	return n, c.wrap("read", err)
}

// Unread puts bytes back: what reads next gets them before anything else. It is for who has read ahead, and
// hands the connection on.
func (c *Conn) Unread(b []byte) {
	c.check("Unread")
	if len(b) > 0 && !c.closed {
		c.in = append(slices.Clone(b), c.in...)
	}
	c.moved = true
}

// OnceReadable calls f once, on the loop, when TryRead may find something that it did not when it
// last returned ErrWouldBlock: data, the end of the stream, an error, or that the connection was
// closed. A deadline does not call it. nil takes it back. It returns corolla.ErrBusy while a task
// reads, or another f is set.
func (c *Conn) OnceReadable(f func()) error {
	c.check("OnceReadable")
	if f == nil {
		c.once = nil
		return c.Socket().OnceReadable(nil)
	}
	if c.read.holder() != nil || c.once != nil {
		return corolla.ErrBusy
	}
	if c.moved && !c.closed {
		c.moved = false
		if c.once = f; !c.stream.Flooded() {
			c.Socket().Loop().Soon(func() { callNow(c) })
		}
		return nil
	}
	if !c.closed && (c.stream.Handshaking() || c.stream.Flooded()) { // TLS has to go on first
		c.once = f
		return nil
	}
	return c.Socket().OnceReadable(f)
}

// callOnce calls the function that waits for TLS.
func callOnce(c *Conn) {
	if f := c.once; f != nil {
		c.once = nil
		c.Socket().Loop().Soon(f)
	}
}

// callNow is callOnce in the turn in which it is called.
func callNow(c *Conn) {
	if f := c.once; f != nil {
		c.once = nil
		f()
	}
}

// WriteBatch is Write for several pieces, none of which may change while t waits. They are sent in
// one system call if there are not too many. It returns how many bytes it accepted of all of them.
func (c *Conn) WriteBatch(t *corolla.Task, pieces [][]byte) (n int, err error) {
	if mustWait(c) || c.stream.HasTLS() {
		return c.Write(t, slices.Concat(pieces...))
	}
	if err := enterOpen(c, t); err != nil {
		return 0, err
	}
	n, err = writePieces(c, t, pieces)
	return n, leave(c, t, c.wrap("write", err))
}

func writePieces(c *Conn, t *corolla.Task, pieces [][]byte) (n int, err error) {
	for _, b := range pieces {
		n += len(b)
	}
	if n <= maxLent+minPiece { // what is lent, and a head before it
		if err := room(c, t); err != nil {
			return 0, err
		}
		if err := c.stream.WriteBatch(pieces); err != nil {
			return 0, err
		}
		c.write.given = true
		return n, room(c, t)
	}
	n = 0
	for _, b := range pieces {
		m, err := writeAll(c, t, b)
		if n += m; err != nil {
			return n, err
		}
		c.write.given = false
	}
	return n, nil
}
