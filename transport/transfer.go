package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/corolla-go/corolla"
)

// FileReceiver is a Protocol on a Unix socket that is passed open files. It gets Files instead
// of Data.
type FileReceiver interface {
	// Files is called with bytes that have arrived, as Data is, and the files that came with
	// them, which are the protocol's to close.
	Files(c *Conn, b []byte, files []*os.File)
}

// SendFile sends n bytes of a plain file from an offset on, or up to its end if n is less than
// 0: behind what was written before, and before what is written later. The future results in how
// many were sent, which is less than n if the file ends before. Close waits for it. Without TLS
// the bytes do not come into the program (sendfile(2)).
func (c *Conn) SendFile(f *os.File, off, n int64) *corolla.Future[int64] {
	result := corolla.NewFuture[int64](c.sock.Loop())
	if err := c.writable(); err != nil {
		_ = result.Fail(err)
		return result
	}
	if c.tls != nil {
		c.sendFileTLS(f, off, n, result)
		return result
	}
	c.transfer(c, result, func() *corolla.Transfer {
		c.other().out = c.sock.SendFile(f, off, n)
		return c.rare.out
	}, func(err error) {
		c.other().out = nil
		c.broken(err)
	})
	return result
}

// broken loses the connection if an error of a transfer is its socket's.
func (c *Conn) broken(err error) {
	var op *net.OpError
	if errors.As(err, &op) {
		c.lose(fmt.Errorf("write: %w", op.Err))
	}
}

// transfer begins a transfer to dst when it is dst's turn, and settles result with what becomes
// of it. then is told first.
func (c *Conn) transfer(dst *Conn, result *corolla.Future[int64], begin func() *corolla.Transfer, then func(error)) {
	var x *corolla.Transfer
	over := false
	settle := func(n int64, err error) {
		if over {
			return
		}
		over = true
		if then(err); err != nil {
			_ = result.Fail(err) // or it was canceled
		} else {
			_ = result.Resolve(n)
		}
	}
	result.OnCancel(func(cause error) {
		if x != nil {
			x.Cancel(cause)
			return
		}
		settle(0, &corolla.CanceledError{Cause: cause})
	})
	dst.out.Lend(func(back func()) {
		if result.Done() {
			back()
			return
		}
		x = begin()
		x.OnDone(func(f *corolla.Future[int64]) {
			n, err := f.Result()
			settle(n, err)
			back()
		})
	}, func(err error) { settle(0, fmt.Errorf("write: %w", err)) })
}

// fileStep is how much of a file is read at a time for TLS.
const fileStep = 64 << 10

func (c *Conn) sendFileTLS(f *os.File, off, n int64, result *corolla.Future[int64]) {
	sent, buf := int64(0), []byte(nil)
	fail := func(err error) { _ = result.Fail(err) } // or it was canceled
	var step func(done func())
	step = func(done func()) {
		if buf == nil {
			buf = make([]byte, fileStep)
		}
		c.active() // all that was before is sent
		size := int64(len(buf))
		if n >= 0 {
			size = min(size, n-sent)
		}
		if size == 0 || result.Done() {
			_ = result.Resolve(sent) // or it was canceled
			done()
			return
		}
		at := off + sent
		corolla.ReadAt(c.sock.Loop(), f, buf[:size], at).OnDone(func(r *corolla.Future[int]) {
			m, err := r.Result()
			if c.is(lost) { // and lost was called
				return
			}
			if m > 0 {
				_ = c.layered(func() error { return c.tls.layer.Write(buf[:m]) })
				sent += int64(m)
			}
			switch {
			case err == io.EOF:
				n = sent
			case err != nil:
				_ = result.Fail(err)
			}
			c.out.Lend(func(back func()) { back(); step(done) }, fail)
		})
	}
	c.tls.queue = append(c.tls.queue, item{work: step, lost: fail})
	c.encrypt()
}

// SpliceTo moves what arrives to another connection, behind what was written there before,
// until this one's stream ends; the future results in how many bytes that was, and then EOF is
// called as ever. dst's stream stays open: CloseWrite ends it. The bytes do not come into the
// program (splice(2)), so it cannot be had with TLS. A proxy is two of these, and each holds a
// pipe, two descriptors, while it lasts. When it is canceled Data is called again, but bytes that
// dst has not taken yet are lost.
func (c *Conn) SpliceTo(dst *Conn) *corolla.Future[int64] {
	result := corolla.NewFuture[int64](c.sock.Loop())
	err := dst.writable()
	switch {
	case c.tls != nil || dst.tls != nil:
		err = fmt.Errorf("transport: splice with TLS: %w", errors.ErrUnsupported)
	case c.is(away):
		err = fmt.Errorf("transport: splice: %w", corolla.ErrBusy)
	case c.is(closing | lost | gotEOF):
		err = fmt.Errorf("splice from a connection that was closed: %w", net.ErrClosed)
	}
	if err != nil {
		_ = result.Fail(err)
		return result
	}
	c.state |= away
	c.sock.OnReadable(nil)
	c.transfer(dst, result, func() *corolla.Transfer {
		x := c.sock.SpliceTo(dst.sock)
		c.other().in, dst.other().out = x, x
		return x
	}, func(err error) {
		if dst.other().out == c.other().in {
			dst.rare.out = nil
		}
		c.rare.in = nil
		c.state &^= away
		var op *net.OpError
		switch {
		case err == nil:
			c.sock.Loop().Soon(func() {
				defer c.guard()
				if !c.is(closing | lost | gotEOF) {
					c.eof()
				}
			})
		case !errors.As(err, &op):
			c.startReading()
		case op.Op == "read":
			c.lose(fmt.Errorf("read: %w", op.Err))
		default:
			dst.lose(fmt.Errorf("write: %w", op.Err))
			c.startReading()
		}
	})
	return result
}

// ofSocket reports whether it is the connection that has failed, and not the files that cannot be
// passed.
func ofSocket(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.EBADF, syscall.EINVAL, syscall.ETOOMANYREFS:
		return false
	}
	return true
}

// WriteFiles writes b, of at least one byte, behind what was written before, and passes open
// files along with its first byte, at most 253. The connection must be a Unix socket. The files
// must stay open until the future is settled; the receiver gets duplicates. It cannot be canceled.
func (c *Conn) WriteFiles(b []byte, files ...syscall.Conn) *corolla.Future[int64] {
	result := corolla.NewFuture[int64](c.sock.Loop())
	err := c.writable()
	switch {
	case c.tls != nil:
		err = fmt.Errorf("transport: pass files through TLS: %w", errors.ErrUnsupported)
	case len(b) == 0:
		err = fmt.Errorf("transport: pass files: they need at least one byte to go with: %w", syscall.EINVAL)
	}
	if err != nil {
		_ = result.Fail(err)
		return result
	}
	rest := append([]byte(nil), b...)
	settle := func(err error) {
		if err != nil {
			_ = result.Fail(err)
		} else {
			_ = result.Resolve(int64(len(b)))
		}
	}
	c.out.Lend(func(back func()) {
		var try func()
		try = func() {
			n, err := c.sock.TryWriteFiles(rest, files...)
			if rest = rest[n:]; n > 0 {
				files = nil
			}
			if err == corolla.ErrWouldBlock || err == nil && len(rest) > 0 {
				if err = c.sock.OnceWritable(try); err == nil {
					return
				}
			}
			settle(err)
			if ofSocket(err) {
				c.lose(fmt.Errorf("write: %w", err))
			}
			back()
		}
		try()
	}, func(err error) { settle(fmt.Errorf("write: %w", err)) })
	return result
}
