package aio

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/corolla-go/corolla"
)

// SendFile sends n bytes of a regular file from an offset, or up to its end if n is negative, after
// what was already written. It parks t until the system has accepted everything and returns how
// many bytes that was: less than n, without an error, if the file is shorter. Without TLS the bytes
// never enter the program (sendfile(2)).
func (c *Conn) SendFile(t *corolla.Task, f *os.File, off, n int64) (int64, error) {
	at := sendAtOnce(c, f, off, n)
	if at > 0 && at == n {
		return n, t.Checkpoint()
	}
	if n > 0 {
		n -= at
	}
	rest, err := sendRest(c, t, f, off+at, n)
	return at + rest, err
}

// sendAtOnce sends what the system takes of a small file if nothing is to be sent before it. Whatever is
// in the way of that, sendRest finds too.
func sendAtOnce(c *Conn, f *os.File, off, n int64) int64 {
	if n <= 0 || n > maxLent || c.stream.HasTLS() || c.ending || c.write.holder() != nil || c.stream.Len() > 0 || unwritable(c) != nil {
		return 0
	}
	sent, _ := c.stream.TrySendFile(f, off, int(n))
	return int64(sent)
}

func sendRest(c *Conn, t *corolla.Task, f *os.File, off, n int64) (int64, error) {
	return sendWhole(c, t, func() *corolla.Future[int64] { return c.stream.SendFile(f, off, n) })
}

// WriteFiles writes b, at least one byte, after what was already written, and passes open files, at
// most 253, along with its first byte. The connection must be a Unix socket. The receiver gets
// duplicates; the originals stay the caller's.
func (c *Conn) WriteFiles(t *corolla.Task, b []byte, files ...syscall.Conn) error {
	if c.stream.HasTLS() {
		return c.wrap("write", errFilesTLS)
	}
	_, err := sendWhole(c, t, func() *corolla.Future[int64] { return c.stream.WriteFiles(b, files) })
	return err
}

// sendWhole waits for t's turn, and then until everything begin sends is sent.
func sendWhole(c *Conn, t *corolla.Task, begin func() *corolla.Future[int64]) (int64, error) {
	if err := enterOpen(c, t); err != nil {
		return 0, err
	}
	defer c.write.end(t)
	if err := unwritable(c); err != nil {
		return 0, c.wrap("write", err)
	}
	sent, err := transfer(t, begin(), cut{c, &c.write, "write"})
	return sent, leave(c, t, err)
}

// cut is a direction of a connection whose end or deadline cuts a transfer short.
type cut struct {
	conn *Conn
	dir  *direction
	op   string
}

// reason returns why the direction cut the transfer short.
func (x cut) reason() error {
	err := cmp.Or(x.conn.stream.Err(), net.ErrClosed)
	switch {
	case x.conn.closed:
		err = net.ErrClosed
	case x.dir.expired:
		err = os.ErrDeadlineExceeded
	}
	return x.conn.wrap(x.op, err)
}

// transfer waits for a transfer, which the sides that it uses can cut short.
func transfer(t *corolla.Task, x *corolla.Future[int64], by ...cut) (int64, error) {
	var why error
	for _, c := range by {
		c.dir.giveUp = func() {
			if why == nil {
				why = c.reason()
			}
			x.Cancel(nil)
		}
		defer func() { c.dir.giveUp = nil }()
	}
	_, err := x.Await(t)
	n, failed := x.Result() // which a task that was canceled is not told
	var moved *corolla.TransferError
	if errors.As(failed, &moved) {
		n = moved.Moved
	}
	switch own := t.Scope().Canceled(); {
	case err == nil:
		return n, nil
	case own != nil:
		return n, own
	case why != nil:
		return n, why
	case moved != nil:
		err = moved.Err // the count is returned separately
	}
	switch err.(type) {
	case *net.OpError, *fs.PathError:
		return n, err
	}
	return n, by[0].conn.wrap(by[0].op, err)
}

// SpliceTo moves incoming data to another connection, after what was already written there, until
// this one's stream ends, and returns how many bytes that was. dst's stream stays open; CloseWrite
// ends it. The bytes never enter the program (splice(2)), so it does not work with TLS; use Copy
// for that. Bytes that dst has not yet taken are lost if t is canceled or a deadline passes. A
// proxy is two of these, one each way, and each holds a pipe (two descriptors) while it runs.
func (c *Conn) SpliceTo(t *corolla.Task, dst *Conn) (n int64, err error) {
	if err := enterOpen(dst, t); err != nil {
		return 0, err
	}
	defer dst.write.end(t)
	if err := c.read.begin(t, readable(c)); err != nil {
		return 0, err
	}
	defer c.read.end(t)
	reading, writing := cut{c, &c.read, "read"}, cut{dst, &dst.write, "write"}
	if err := unwritable(dst); err != nil {
		return 0, dst.wrap("write", err)
	}
	if unreadable(c) != nil {
		return 0, reading.reason()
	}
	if n = int64(len(c.in)); n > 0 {
		if err := send(dst, t, c.in); err != nil {
			return 0, dst.wrap("write", err)
		}
		c.in = nil
	}
	moved, err := transfer(t, c.stream.SpliceTo(&dst.stream, func(error) {}), reading, writing)
	if err == nil {
		err = c.wrap("read", c.stream.Err()) // or the end may not be a real one: see stream.TryRead
	}
	return n + moved, err
}

var errFilesTLS = fmt.Errorf("pass files through TLS: %w", errors.ErrUnsupported)

// ReadFiles is Read on a Unix socket, and also returns the files that came with the bytes, which
// are the caller's to close. Files that arrive during Read, ReadUntil or Lines are closed unseen.
func (c *Conn) ReadFiles(t *corolla.Task, b []byte) (int, []*os.File, error) {
	if err := c.read.begin(t, readable(c)); err != nil {
		return 0, nil, err
	}
	defer c.read.end(t)
	if c.stream.HasTLS() {
		return 0, nil, c.wrap("read", errFilesTLS)
	}
	for {
		if err := unreadable(c); err != nil {
			return 0, nil, c.wrap("read", err)
		}
		if len(c.in) > 0 && len(b) > 0 {
			return take(c, b), nil, nil
		}
		n, files, err := c.stream.TryReadFiles(b)
		if err != corolla.ErrWouldBlock {
			return n, files, c.wrap("read", err)
		}
		if err := awaitData(c, t); err != nil {
			return 0, nil, c.wrap("read", err)
		}
	}
}

// Detach gives the connection away once everything written is sent: as a file, which net.FileConn
// turns into a net.Conn, and the data received but not yet read. It fails on a TLS connection.
func (c *Conn) Detach(t *corolla.Task) (f *os.File, unread []byte, err error) {
	if c.stream.HasTLS() {
		return nil, nil, c.wrap("detach", fmt.Errorf("a connection with TLS: %w", errors.ErrUnsupported))
	}
	if err := c.Flush(t); err != nil {
		return nil, nil, err
	}
	f, err = c.Socket().Detach()
	if err != nil {
		return nil, nil, c.wrap("detach", err)
	}
	unread = c.in
	shut(c)
	return f, unread, nil
}
