package stream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/corolla-go/corolla"
)

// Sending other than by Write: files, and data spliced from another stream. Each waits for what was
// written before it, and what is written later waits for it. Its future resolves to how many bytes
// the system has accepted, or fails with a *corolla.TransferError, which says so too.

// SendFile sends n bytes of a regular file from an offset, or up to its end if n is negative.
// Without TLS the bytes never enter the program (sendfile(2)).
func (s *Stream) SendFile(f *os.File, off, n int64) *corolla.Future[int64] {
	if s.tls != nil {
		x := &sealedFile{y: s.tls, f: f, off: off, n: n, result: corolla.NewFuture[int64](s.sock.Loop())}
		x.result.OnCancel(func(cause error) { x.fail(&corolla.CanceledError{Cause: cause}) })
		s.tls.queue = append(s.tls.queue, item{file: x})
		if s.tls.handshake == nil {
			s.tls.work()
		}
		return x.result
	}
	return s.lend(func() *corolla.Transfer {
		x := s.to().SendFile(f, off, n)
		s.rest().out = x
		return x
	}, func(n int64, err error) {
		s.rest().out = nil
		carried(s, 0, n)
		var op *net.OpError
		if errors.As(err, &op) {
			broken(s, op.Err)
		}
	})
}

// TrySendFile sends what the system takes now of at most n bytes of a regular file. Nothing may be
// unsent, and there must be no TLS.
func (s *Stream) TrySendFile(f *os.File, off int64, n int) (int, error) {
	sent, err := s.to().TrySendFile(f, off, n)
	s.Active()
	carried(s, 0, int64(sent))
	return sent, err
}

// broken records that sending has failed outside the outbox.
func broken(s *Stream, err error) {
	s.rest().failed = err
	s.sendFailed(err)
}

// lend starts a transfer to the socket when its turn comes; then gets the outcome.
func (s *Stream) lend(begin func() *corolla.Transfer, then func(int64, error)) *corolla.Future[int64] {
	result := corolla.NewFuture[int64](s.sock.Loop())
	var x *corolla.Transfer
	settle := func(n int64, err error) {
		if result.Done() {
			return
		}
		if then(n, err); err != nil {
			_ = result.Fail(transferError(n, err))
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
	s.out.Lend(func(back func()) {
		if result.Done() {
			back()
			return
		}
		x = begin()
		x.OnDone(func(f *corolla.Future[int64]) {
			_, err := f.Result()
			settle(x.Moved(), err)
			back()
		})
	}, func(err error) { settle(0, err) })
	return result
}

func transferError(moved int64, err error) error {
	var already *corolla.TransferError
	if errors.As(err, &already) {
		return err
	}
	return &corolla.TransferError{Moved: moved, Err: err}
}

// fileStep is how much of a file is read at a time for TLS.
const fileStep = 64 << 10

// sealedFile is a file being sent through TLS.
type sealedFile struct {
	y            *security
	f            *os.File
	off, n, sent int64
	buf          []byte
	result       *corolla.Future[int64]
}

func (x *sealedFile) fail(err error) { _ = x.result.Fail(transferError(x.sent, err)) } // or it was canceled

// step sends the next piece, once everything before it is sent.
func (x *sealedFile) step() {
	s := x.y.stream
	if x.buf == nil {
		x.buf = make([]byte, fileStep)
	}
	s.Active()
	size := int64(len(x.buf))
	if x.n >= 0 {
		size = min(size, x.n-x.sent)
	}
	if size == 0 || x.result.Done() {
		_ = x.result.Resolve(x.sent) // or it was canceled
		x.done()
		return
	}
	corolla.ReadAt(s.sock.Loop(), x.f, x.buf[:size], x.off+x.sent).OnDone(x.read)
}

func (x *sealedFile) read(r *corolla.Future[int]) {
	s := x.y.stream
	m, err := r.Result()
	if s.over { // fail was called
		return
	}
	if m > 0 && !x.result.Done() {
		if failed := x.y.seal(x.buf[:m]); failed != nil {
			err = failed
		} else {
			x.sent += int64(m)
		}
	}
	switch {
	case err == io.EOF:
		x.n = x.sent
	case err != nil:
		x.fail(err)
	}
	s.out.Lend(func(back func()) { back(); x.step() }, x.fail)
}

// done lets the queue move on past the file.
func (x *sealedFile) done() {
	y := x.y
	carried(y.stream, 0, x.sent)
	if !y.stream.over {
		y.busy = false
		y.queue = y.queue[1:]
		y.work()
	}
}

var (
	errFilesTLS  = fmt.Errorf("pass files through TLS: %w", errors.ErrUnsupported)
	errNoBytes   = fmt.Errorf("pass files: need at least one byte to send them with: %w", syscall.EINVAL)
	errSpliceTLS = fmt.Errorf("splice with TLS: %w", errors.ErrUnsupported)
)

// WriteFiles writes b, at least one byte, and passes open files, at most 253, along with its first
// byte. The socket must be a Unix socket. The files must stay open until the future is settled; the
// receiver gets duplicates. Once the first byte is sent, a cancel ends only the waiting.
func (s *Stream) WriteFiles(b []byte, files []syscall.Conn) *corolla.Future[int64] {
	x := &passing{s: s, rest: slices.Clone(b), files: files, result: corolla.NewFuture[int64](s.sock.Loop())}
	switch {
	case s.tls != nil:
		x.settle(errFilesTLS)
	case len(b) == 0:
		x.settle(errNoBytes)
	default:
		accepted(s, b)
		x.result.OnCancel(func(cause error) { x.settle(&corolla.CanceledError{Cause: cause}) })
		s.out.Lend(func(back func()) { x.back = back; x.try() }, x.settle)
	}
	return x.result
}

// passing is a WriteFiles under way.
type passing struct {
	s      *Stream
	rest   []byte // not sent yet
	sent   int64
	files  []syscall.Conn
	back   func() // ends the turn
	result *corolla.Future[int64]
}

func (x *passing) settle(err error) {
	switch {
	case x.result.Done():
	case err != nil:
		_ = x.result.Fail(transferError(x.sent, err))
	default:
		_ = x.result.Resolve(x.sent)
	}
}

func (x *passing) try() {
	if x.sent == 0 && x.result.Done() {
		x.back()
		return
	}
	n, err := x.s.to().TryWriteFiles(x.rest, x.files...)
	if x.rest, x.sent = x.rest[n:], x.sent+int64(n); n > 0 {
		x.files = nil
	}
	if err == corolla.ErrWouldBlock || err == nil && len(x.rest) > 0 {
		if err = x.s.to().OnceWritable(x.try); err == nil {
			return
		}
	}
	x.settle(err)
	if ofSocket(err) {
		broken(x.s, err)
	}
	x.back()
}

// ofSocket reports whether the connection itself has failed, rather than the passing of the files.
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

// SpliceTo moves incoming data to another stream until this one ends. The bytes never enter the
// program (splice(2)), so it does not work with TLS. It holds a pipe (two descriptors) while it
// runs. If it is canceled, bytes that dst has not yet taken are lost. Nothing else may read until
// then is called, with the error, before the future is settled.
func (s *Stream) SpliceTo(dst *Stream, then func(error)) *corolla.Future[int64] {
	if s.tls != nil || dst.tls != nil {
		failed := corolla.NewFuture[int64](s.sock.Loop())
		then(errSpliceTLS)
		_ = failed.Fail(errSpliceTLS) // nothing else settles it
		return failed
	}
	return dst.lend(func() *corolla.Transfer {
		x := s.sock.SpliceTo(dst.to())
		s.rest().in, dst.rest().out = x, x
		return x
	}, func(n int64, err error) {
		carried(s, n, 0)
		carried(dst, 0, n)
		if in := s.rest().in; in != nil && dst.rest().out == in {
			dst.more.out = nil
		}
		s.more.in = nil
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "write" {
			broken(dst, op.Err)
		}
		then(err)
	})
}
