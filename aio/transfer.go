package aio

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/corolla-go/corolla"
)

// SendFile sends n bytes of a plain file from an offset on, behind what was written before, or
// up to its end if n is less than 0. It parks t until all is with the system and returns how
// much that was, which is less than n without an error if the file ends before. Without TLS the
// bytes do not come into the program (sendfile(2)).
func (c *Conn) SendFile(t *corolla.Task, f *os.File, off, n int64) (int64, error) {
	if err := c.enterOpen(t); err != nil {
		return 0, err
	}
	defer c.write.end(t)
	sent, err := c.sendFile(t, f, off, n)
	return sent, c.leave(t, err)
}

func (c *Conn) sendFile(t *corolla.Task, f *os.File, off, n int64) (int64, error) {
	if c.tls != nil {
		sent, err := c.sendFileTLS(t, f, off, n)
		return sent, c.wrap("write", err)
	}
	if err := c.flush(t); err != nil {
		return 0, c.wrap("write", err)
	}
	return transfer(t, c.sock.SendFile(f, off, n), cut{c, &c.write, "write"})
}

// cut is a direction of a connection whose end, or deadline, ends a transfer.
type cut struct {
	conn *Conn
	side *side
	op   string
}

// reason returns why the direction has ended what was under way.
func (x cut) reason() error {
	err := cmp.Or(x.conn.out.Err(), x.conn.failed, net.ErrClosed)
	switch {
	case x.conn.closed:
		err = net.ErrClosed
	case x.side.expired:
		err = os.ErrDeadlineExceeded
	}
	return x.conn.wrap(x.op, err)
}

// transfer waits for a transfer, which the directions that it uses can end.
func transfer(t *corolla.Task, x *corolla.Transfer, by ...cut) (int64, error) {
	var why error
	for _, c := range by {
		c.side.giveUp = func() {
			if why == nil {
				why = c.reason()
			}
			x.Cancel(nil)
		}
		defer func() { c.side.giveUp = nil }()
	}
	_, err := x.Await(t)
	var moved *corolla.TransferError
	if own := t.Scope().Canceled(); err != nil && own != nil {
		err = own
	} else if err != nil && why != nil {
		err = why
	} else if errors.As(err, &moved) {
		err = moved.Err // the number is returned
	}
	return x.Moved(), err
}

// fileStep is how much of a file is read at a time for TLS.
const fileStep = 64 << 10

func (c *Conn) sendFileTLS(t *corolla.Task, f *os.File, off, n int64) (sent int64, err error) {
	if err := c.room(t); err != nil {
		return 0, err
	}
	buf := make([]byte, fileStep)
	for n < 0 || sent < n {
		size := int64(len(buf))
		if n >= 0 {
			size = min(size, n-sent)
		}
		at := off + sent
		m, err := corolla.ReadAt(t.Loop(), f, buf[:size], at).Await(t)
		if m > 0 {
			if err := c.send(t, buf[:m]); err != nil {
				return sent, err
			}
			sent += int64(m)
		}
		if err == io.EOF {
			break
		}
		if err == nil {
			err = c.room(t)
		}
		if err != nil {
			return sent, err
		}
	}
	return sent, c.flush(t)
}

// Splice moves what arrives at src to dst, behind what was written before, until src's stream
// ends, and returns how many bytes that was. dst's stream stays open: CloseWrite ends it.
// The bytes do not come into the program (splice(2)), and those that dst has not taken yet are
// lost when t is canceled or a deadline passes. With TLS it is Copy. A proxy is two of
// these, and each holds a pipe, two descriptors, while it lasts.
func Splice(t *corolla.Task, dst, src *Conn) (n int64, err error) {
	if dst.tls != nil || src.tls != nil {
		if n, err = Copy(t, dst, src); err == nil {
			err = dst.Flush(t)
		}
		return n, err
	}
	if err := dst.enterOpen(t); err != nil {
		return 0, err
	}
	defer dst.write.end(t)
	if err := src.read.begin(t, src.readable()); err != nil {
		return 0, err
	}
	defer src.read.end(t)
	n = int64(len(src.in))
	if n > 0 {
		if err := dst.send(t, src.in); err != nil {
			return 0, dst.wrap("write", err)
		}
		src.in = nil
	}
	if err := dst.flush(t); err != nil {
		return n, dst.wrap("write", err)
	}
	if src.closed || src.read.expired {
		return n, cut{src, &src.read, "read"}.reason()
	}
	moved, err := transfer(t, src.sock.SpliceTo(dst.sock), cut{src, &src.read, "read"}, cut{dst, &dst.write, "write"})
	if err == nil {
		err = src.wrap("read", src.out.Err()) // else the end may be none: see atEOF
	}
	return n + moved, err
}

var errFilesTLS = fmt.Errorf("files cannot be passed through TLS: %w", errors.ErrUnsupported)

// WriteFiles writes b, of at least one byte, behind what was written before, and passes open
// files along with its first byte, at most 253. The connection must be a Unix socket. The
// receiver gets duplicates; those here stay the caller's.
func (c *Conn) WriteFiles(t *corolla.Task, b []byte, files ...syscall.Conn) error {
	if c.tls != nil {
		return c.wrap("write", errFilesTLS)
	}
	if err := c.enterOpen(t); err != nil {
		return err
	}
	defer c.write.end(t)
	return c.wrap("write", c.leave(t, c.writeFiles(t, b, files)))
}

func (c *Conn) writeFiles(t *corolla.Task, b []byte, files []syscall.Conn) error {
	if err := c.flush(t); err != nil {
		return err
	}
	for {
		if err := c.unwritable(); err != nil {
			return err
		}
		n, err := c.sock.TryWriteFiles(b, files...)
		if err == nil {
			return c.out.Write(b[n:])
		}
		if err == corolla.ErrWouldBlock {
			err = c.sock.WaitWritable(t)
		}
		if err != nil {
			return err
		}
	}
}

// ReadFiles is Read of a Unix socket, and returns the files that came with the bytes as well:
// the caller's to close. Files that come where Read, ReadUntil or Lines read are closed unseen.
func (c *Conn) ReadFiles(t *corolla.Task, b []byte) (int, []*os.File, error) {
	if err := c.read.begin(t, c.readable()); err != nil {
		return 0, nil, err
	}
	defer c.read.end(t)
	if c.tls != nil {
		return 0, nil, c.wrap("read", errFilesTLS)
	}
	for {
		if err := c.unreadable(); err != nil {
			return 0, nil, c.wrap("read", err)
		}
		if len(c.in) > 0 && len(b) > 0 {
			return c.take(b), nil, nil
		}
		n, files, err := c.sock.TryReadFiles(b)
		if err != corolla.ErrWouldBlock {
			return n, files, c.wrap("read", c.atEOF(err))
		}
		if err := (below{c}).Await(t); err != nil {
			return 0, nil, c.wrap("read", err)
		}
	}
}

// Detach gives the connection away, once all that was written is sent: as a file, of which
// net.FileConn makes a net.Conn, and what had arrived and was read by nobody. It fails on a
// connection with TLS.
func (c *Conn) Detach(t *corolla.Task) (f *os.File, unread []byte, err error) {
	if c.tls != nil {
		return nil, nil, c.wrap("detach", fmt.Errorf("a connection with TLS: %w", errors.ErrUnsupported))
	}
	if err := c.Flush(t); err != nil {
		return nil, nil, err
	}
	f, err = c.sock.Detach()
	if err != nil {
		return nil, nil, c.wrap("detach", err)
	}
	unread, c.in, c.closed = c.in, nil, true
	c.read.close()
	c.write.close()
	return f, unread, nil
}
