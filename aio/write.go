package aio

import (
	"bytes"
	"cmp"
	"net"
	"os"

	"github.com/corolla-go/corolla"
)

// Writing. Calls that write stand in line (see side), for a task that is told of ErrBusy can do
// nothing but try again, and what it would say then comes after what was said later. Letting a Write
// go between two pieces of another was rejected: each is a message to somebody.

// Write takes all of b to be sent, and parks t while others write, and while more than the high
// water mark is to be sent. It returns how much it took, which is less than len(b) only with an
// error; an error in sending what was taken before is returned too. Flush waits until all is sent.
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
	// maxLent is how long a text in the loop's memory can be, which is good only until the task
	// waits, as Receive has it. So Write takes that much at a time.
	maxLent = 64 << 10
	// minPiece is how much Write takes at a time of what is longer, even near the high water mark.
	minPiece = 16 << 10
)

// mustWait reports whether Write waits before it takes anything.
func mustWait(c *Conn) bool {
	return c.write.holder() != nil || c.stream.Handshaking() || c.stream.Outbox().Above()
}

// write is Write of a text that stays where it is, or need not, and without a turn for others.
func write(c *Conn, t *corolla.Task, b []byte) (int, error) {
	if err := enterOpen(c, t); err != nil {
		return 0, err
	}
	defer c.write.end(t) // for a panic that unwinds t: others must not wait for it
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

// enterOpen is enter of a call that has something to write.
func enterOpen(c *Conn, t *corolla.Task) error {
	if c.ending && !c.closed {
		return c.wrap("write", net.ErrClosed)
	}
	return enter(c, t)
}

// enter claims the writing side when it is t's turn.
func enter(c *Conn, t *corolla.Task) error {
	if c.write.holder() != nil {
		if err := unwritable(c); err != nil { // so there is nothing to wait for
			return c.wrap("write", err)
		}
	}
	err := c.write.enter(t)
	if err == errSwept { // be it that the deadline was taken back since
		err = cmp.Or(unwritable(c), os.ErrDeadlineExceeded)
	}
	return c.wrap("write", err)
}

// leave is the end of a call that writes. Others have a turn after it now and then, not before:
// so nobody finds the connection taken by a call that has not begun.
func leave(c *Conn, t *corolla.Task, err error) error {
	c.write.end(t)
	return cmp.Or(err, t.Checkpoint())
}

// TryWrite takes all of b to be sent, or nothing, and never parks: it is for who writes to many
// and waits for none of them. The error is corolla.ErrWouldBlock if more than the high water mark
// would be to be sent with b, while a Write of another task is not taken as a whole yet, or others
// wait to write, and before the TLS handshake is done; otherwise it is as Write's. If nothing is to
// be sent it takes a b of any length, so a message that is larger than the mark can be sent too.
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

// fits reports whether so much can be written without passing the mark. What has only waited for
// the end of the turn is sent first, if need be.
func fits(c *Conn, size int) bool {
	out := c.stream.Outbox()
	_, most := out.Marks()
	if out.Len() > 0 && out.Len()+size > most {
		out.TrySend()
	}
	return out.Len() == 0 || out.Len()+size <= most
}

// send takes a piece, through TLS if there is TLS. It waits only for TLS to begin.
func send(c *Conn, t *corolla.Task, b []byte) error {
	if c.stream.Handshaking() {
		if err := shake(c, t, &c.write); err != nil {
			return err
		}
	}
	return c.stream.Write(b)
}

// room parks t while too much is to be sent.
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

// unwritable says why nothing is sent any more.
func unwritable(c *Conn) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.write.expired:
		return os.ErrDeadlineExceeded
	}
	return c.stream.Err()
}

// Flush parks t until all that was written is sent. It stands in line as a Write does.
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

// SetWriteMarks sets the water marks of what is to be sent, in bytes; see
// corolla.Outbox.SetMarks.
func (c *Conn) SetWriteMarks(low, high int) {
	c.check("SetWriteMarks")
	c.stream.SetMarks(low, high)
}

// Buffered returns how many bytes were written and not yet sent.
func (c *Conn) Buffered() int { return c.stream.Len() }

// CloseWrite ends the stream to the peer, behind what was written and behind the calls that write
// or wait to; what comes later gets net.ErrClosed at once. Reading goes on. The error is that with
// which sending has failed before.
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

// finish ends the stream, now that nobody writes any more.
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
