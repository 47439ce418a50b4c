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

// What is sent that is not text: files, and what arrives elsewhere. Each has its turn behind what was
// written before, and what is written later waits behind it. Its future results in how many bytes the
// system has taken, and fails with a *corolla.TransferError, which says so too.

// SendFile sends n bytes of a plain file from an offset on, or up to its end if n is less than 0.
// Without TLS the bytes do not come into the program (sendfile(2)).
func (s *Stream) SendFile(f *os.File, off, n int64) *corolla.Future[int64] {
	if s.tls != nil {
		x := &sealedFile{y: s.tls, f: f, off: off, n: n, result: corolla.NewFuture[int64](s.sock.Loop())}
		x.result.OnCancel(func(cause error) { x.fail(&corolla.CanceledError{Cause: cause}) })
		s.tls.queue = append(s.tls.queue, item{file: x})
		if s.tls.shake == nil {
			s.tls.work()
		}
		return x.result
	}
	return s.lend(func() *corolla.Transfer {
		x := s.sock.SendFile(f, off, n)
		s.rest().out = x
		return x
	}, func(err error) {
		s.rest().out = nil
		var op *net.OpError
		if errors.As(err, &op) {
			s.broken(op.Err)
		}
	})
}

// broken notes that sending has failed other than by the outbox.
func (s *Stream) broken(err error) {
	s.rest().failed = err
	s.sendFailed(err)
}

// lend begins a transfer to the socket when it is its turn; then is told what became of it.
func (s *Stream) lend(begin func() *corolla.Transfer, then func(error)) *corolla.Future[int64] {
	result := corolla.NewFuture[int64](s.sock.Loop())
	var x *corolla.Transfer
	settle := func(n int64, err error) {
		if result.Done() {
			return
		}
		if then(err); err != nil {
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

// sealedFile is a file that is sent through TLS.
type sealedFile struct {
	y            *security
	f            *os.File
	off, n, sent int64
	buf          []byte
	result       *corolla.Future[int64]
}

func (x *sealedFile) fail(err error) { _ = x.result.Fail(transferError(x.sent, err)) } // or it was canceled

// step sends the next piece: all that was before is sent.
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
	if s.over { // and fail was called
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

// done lets what is behind the file have its turn.
func (x *sealedFile) done() {
	y := x.y
	if !y.stream.over {
		y.busy = false
		y.queue = y.queue[1:]
		y.work()
	}
}

var (
	errFilesTLS  = fmt.Errorf("pass files through TLS: %w", errors.ErrUnsupported)
	errNoBytes   = fmt.Errorf("pass files: they need at least one byte to go with: %w", syscall.EINVAL)
	errSpliceTLS = fmt.Errorf("splice with TLS: %w", errors.ErrUnsupported)
)

// WriteFiles writes b, of at least one byte, and passes open files along with its first byte, at most
// 253. The socket must be a Unix one. The files must stay open until the future is settled; the
// receiver gets duplicates. A cancel that comes when the first byte is sent ends the waiting only.
func (s *Stream) WriteFiles(b []byte, files []syscall.Conn) *corolla.Future[int64] {
	x := &passing{s: s, rest: slices.Clone(b), files: files, result: corolla.NewFuture[int64](s.sock.Loop())}
	switch {
	case s.tls != nil:
		x.settle(errFilesTLS)
	case len(b) == 0:
		x.settle(errNoBytes)
	default:
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
	n, err := x.s.sock.TryWriteFiles(x.rest, x.files...)
	if x.rest, x.sent = x.rest[n:], x.sent+int64(n); n > 0 {
		x.files = nil
	}
	if err == corolla.ErrWouldBlock || err == nil && len(x.rest) > 0 {
		if err = x.s.sock.OnceWritable(x.try); err == nil {
			return
		}
	}
	x.settle(err)
	if ofSocket(err) {
		x.s.broken(err)
	}
	x.back()
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

// SpliceTo moves what arrives to another stream until this one ends. The bytes do not come into the
// program (splice(2)), so it cannot be had with TLS. It holds a pipe, two descriptors, while it
// lasts. When it is canceled, bytes that dst has not taken yet are lost. Nobody else may read until then,
// which is told the error before the future is settled, is called.
func (s *Stream) SpliceTo(dst *Stream, then func(error)) *corolla.Future[int64] {
	if s.tls != nil || dst.tls != nil {
		failed := corolla.NewFuture[int64](s.sock.Loop())
		then(errSpliceTLS)
		_ = failed.Fail(errSpliceTLS) // nobody else settles it
		return failed
	}
	return dst.lend(func() *corolla.Transfer {
		x := s.sock.Splice(dst.sock)
		s.rest().in, dst.rest().out = x, x
		return x
	}, func(err error) {
		if in := s.rest().in; in != nil && dst.rest().out == in {
			dst.more.out = nil
		}
		s.more.in = nil
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "write" {
			dst.broken(op.Err)
		}
		then(err)
	})
}
