package aio

import (
	"bytes"
	"cmp"
	"net"
	"os"

	"github.com/corolla-go/corolla"
)

// Writing. Calls that write wait in line (see direction): a task given ErrBusy could only try again, and
// its data would then follow data written later. Letting a Write go between two pieces of another
// was rejected: each may be a whole message.

// Write accepts all of b for sending, and parks t while other tasks write, and while unsent data
// exceeds the high water mark. It returns how many bytes it accepted, which is less than len(b)
// only with an error; an error in sending earlier data is returned too. Flush waits until
// everything is sent.
func (c *Conn) Write(t *corolla.Task, b []byte) (int, error) {
	if mustWait(c) && len(b) <= maxLent {
		b = bytes.Clone(b)
	}
	n, err := write(c, t, b)
	if err == nil {
		err = c.wrap("write", t.Checkpoint())
	}
	return n, err
}

const (
	// maxLent is the most that Receive lends of the loop's memory, which is good only until the
	// task waits. So Write accepts that much in one go.
	maxLent = 64 << 10
	// minPiece is the least that Write accepts at a time of anything longer, even near the high
	// water mark.
	minPiece = 16 << 10
)

// mustWait reports whether Write would wait before it accepts anything.
func mustWait(c *Conn) bool {
	return c.write.holder() != nil || c.stream.Handshaking() || c.stream.Outbox().Above()
}

// write is Write for data that stays valid if t waits, or need not, and without letting others run.
func write(c *Conn, t *corolla.Task, b []byte) (int, error) {
	if err := enterOpen(c, t); err != nil {
		return 0, err
	}
	defer c.write.end(t) // in case a panic unwinds t: others must not wait for it
	n, err := writeAll(c, t, b)
	return n, c.wrap("write", err)
}

func writeAll(c *Conn, t *corolla.Task, b []byte) (written int, err error) {
	for {
		if err := room(c, t); err != nil {
			return written, err
		}
		_, most := c.stream.Outbox().Marks()
		size := max(most-c.stream.Len(), minPiece)
		if len(b) <= maxLent {
			size = len(b)
		}
		piece := b[written:min(len(b), written+size)]
		if err := send(c, t, piece); err != nil {
			return written, err
		}
		if written += len(piece); written == len(b) {
			c.write.given = true
			return written, room(c, t)
		}
		if err := t.Checkpoint(); err != nil {
			return written, err
		}
	}
}

// enterOpen is enter for a call that has something to write.
func enterOpen(c *Conn, t *corolla.Task) error {
	if c.ending && !c.closed {
		return c.wrap("write", net.ErrClosed)
	}
	return enter(c, t)
}

// enter claims the writing direction when it is t's turn.
func enter(c *Conn, t *corolla.Task) error {
	if c.write.holder() != nil {
		if err := unwritable(c); err != nil { // so there is nothing to wait for
			return c.wrap("write", err)
		}
	}
	err := c.write.enter(t)
	if err == errNoTurn { // even if the deadline has since been reset
		err = cmp.Or(unwritable(c), os.ErrDeadlineExceeded)
	}
	return c.wrap("write", err)
}

// leave ends a call that writes. It lets others run now and then after the call, not before it, so
// that no task finds the connection taken by a call that has not begun.
func leave(c *Conn, t *corolla.Task, err error) error {
	c.write.end(t)
	return cmp.Or(err, t.Checkpoint())
}

// TryWrite accepts all of b for sending, or none of it, and never parks: it is for writing to many
// connections without waiting for any. It returns corolla.ErrWouldBlock if b would take the unsent
// data above the high water mark, while another task's Write is not yet accepted whole or tasks
// wait to write, and before the TLS handshake is done; other errors are those of Write. If nothing
// is unsent it accepts a b of any length, so that a message larger than the mark can be sent too.
// What TLS adds to b is not counted.
func (c *Conn) TryWrite(b []byte) error {
	c.check("TryWrite")
	if err := unwritable(c); err != nil {
		return c.wrap("write", err)
	}
	switch {
	case c.ending:
		return c.wrap("write", net.ErrClosed)
	case c.stream.Handshaking(),
		c.write.holder() != nil && !c.write.given,
		c.write.queued(),
		!fits(c, len(b)):
		return corolla.ErrWouldBlock
	}
	return c.wrap("write", c.stream.Write(b))
}

// fits reports whether size more bytes stay within the high water mark. Data held back until the
// end of the turn is sent first, if need be.
func fits(c *Conn, size int) bool {
	out := c.stream.Outbox()
	_, most := out.Marks()
	if out.Len() > 0 && out.Len()+size > most {
		out.TrySend()
	}
	return out.Len() == 0 || out.Len()+size <= most
}

// send sends a piece, through TLS if it is on. It waits only for the handshake.
func send(c *Conn, t *corolla.Task, b []byte) error {
	if c.stream.Handshaking() {
		if err := awaitHandshake(c, t, &c.write); err != nil {
			return err
		}
	}
	return c.stream.Write(b)
}

// room parks t while too much is unsent.
func room(c *Conn, t *corolla.Task) error {
	for {
		if err := unwritable(c); err != nil || !c.stream.Outbox().Above() {
			return err
		}
		if err := c.stream.Outbox().Wait(t); err != nil {
			return err
		}
	}
}

// unwritable returns why nothing can be sent any more, or nil.
func unwritable(c *Conn) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.write.expired:
		return os.ErrDeadlineExceeded
	}
	return cmp.Or(c.stream.Expired(), c.stream.Err())
}

// Flush parks t until everything written is sent. It waits in line as a Write does.
func (c *Conn) Flush(t *corolla.Task) error {
	if err := enter(c, t); err != nil {
		return err
	}
	defer c.write.end(t)
	c.write.given = true
	return c.wrap("write", leave(c, t, flush(c, t)))
}

func flush(c *Conn, t *corolla.Task) error {
	for {
		if err := unwritable(c); err != nil || c.stream.Len() == 0 {
			return err
		}
		if err := c.stream.Outbox().WaitEmpty(t); err != nil {
			return err
		}
	}
}

// SetWriteMarks sets the water marks for unsent data, in bytes; see corolla.Outbox.SetMarks.
func (c *Conn) SetWriteMarks(low, high int) {
	c.check("SetWriteMarks")
	c.stream.SetMarks(low, high)
}

// Buffered returns how many bytes are written but not yet sent.
func (c *Conn) Buffered() int { return c.stream.Len() }

// CloseWrite ends the stream to the peer, after what was written and after calls that are writing
// or waiting to; later ones get net.ErrClosed at once. Reading goes on. The error is the one with
// which sending has already failed.
func (c *Conn) CloseWrite() error {
	c.check("CloseWrite")
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	if err := c.stream.Err(); err != nil {
		return c.wrap("close", err)
	}
	if !c.ending {
		c.ending = true
		c.write.atEnd(func() { finish(c) })
	}
	return c.wrap("close", c.stream.Err())
}

// finish ends the stream, now that no task is writing.
func finish(c *Conn) {
	if c.closed || c.stream.Err() != nil {
		return
	}
	c.stream.CloseWrite(func(err error) {
		if err != nil {
			c.read.wake()
		}
	})
}
