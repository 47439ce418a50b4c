package corolla

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// What moves without coming into the program.

// TryWriteFiles writes at most len(b) bytes, of which there must be one, to a Unix socket, and
// passes open files along with the first of them: at most 253. The receiver gets duplicates.
// ErrWouldBlock means that neither was sent.
func (s *Socket) TryWriteFiles(b []byte, files ...syscall.Conn) (int, error) {
	s.loop.check("Socket.TryWriteFiles")
	switch {
	case s.closed:
		return 0, s.gone("write")
	case len(b) == 0:
		return 0, fmt.Errorf("corolla: pass files: they need at least one byte to go with: %w", syscall.EINVAL)
	case s.network != unix:
		return 0, fmt.Errorf("corolla: pass files: not a Unix socket: %w", errors.ErrUnsupported)
	case len(files) > host.MaxFiles:
		return 0, fmt.Errorf("corolla: pass %d files: at most %d: %w", len(files), host.MaxFiles, syscall.EINVAL)
	case slices.Contains(files, nil):
		return 0, fmt.Errorf("corolla: pass files: number %d is nil: %w", slices.Index(files, nil)+1, os.ErrInvalid)
	}
	if !s.may(&s.w, len(b)) {
		return 0, s.refusal("write", len(b))
	}
	size := pass(s, &s.w, len(b))
	if size == 0 {
		return 0, ErrWouldBlock
	}
	n, err := s.loop.host.TryWriteFiles(s.fd, b[:size], files)
	s.w.tried(n < size, err)
	passed(s, &s.w, len(b), size, n)
	return n, err
}

// TryReadFiles is TryRead of a Unix socket, and returns the files that came with the bytes as
// well: the caller's to close. Without it they are closed unseen.
func (s *Socket) TryReadFiles(b []byte) (int, []*os.File, error) {
	s.loop.check("Socket.TryReadFiles")
	if !s.may(&s.r, len(b)) {
		return 0, nil, s.refusal("read", len(b))
	}
	size := pass(s, &s.r, len(b))
	if size == 0 {
		return 0, nil, ErrWouldBlock
	}
	n, files, err := s.loop.host.TryReadFiles(s.fd, b[:size])
	s.triedToRead(false, err) // it stops short where files begin
	passed(s, &s.r, len(b), size, n)
	return n, files, err
}

// TrySendFile sends at most n bytes of a plain file, from an offset on, and returns how many;
// sendfile(2) does it within the system. io.EOF means that the file ends there. A file that is
// not in memory is read from its disk meanwhile: SendFile takes small steps.
func (s *Socket) TrySendFile(f *os.File, off int64, n int) (int, error) {
	s.loop.check("Socket.TrySendFile")
	if f == nil && !s.closed {
		return 0, errNoFile
	}
	if !s.may(&s.w, n) {
		return 0, s.refusal("write", n)
	}
	size := pass(s, &s.w, n)
	if size == 0 {
		return 0, ErrWouldBlock
	}
	sent, err := s.loop.host.TrySendFile(s.fd, f, off, size)
	s.w.tried(false, err) // the file may have been shorter
	passed(s, &s.w, n, size, sent)
	return sent, err
}

var errNoFile = fmt.Errorf("send a file: the *os.File is nil: %w", os.ErrInvalid)

// ReadAt reads from a plain file at an offset on another goroutine, by the Workers named "file", as
// f.ReadAt does.
func ReadAt(l *Loop, f *os.File, b []byte, off int64) *Future[int] {
	if f == nil {
		failed := NewFuture[int](l)
		failed.settle(0, errNoFile)
		return failed
	}
	return OffloadTo(l.Workers("file"), func(context.Context) (int, error) { return f.ReadAt(b, off) })
}

// The largest steps of a transfer, and how many there are in a row before others have a turn.
const (
	maxStep = 64 << 10
	maxRun  = 8
)

// Transfer is a SendFile or a SpliceTo under way. Its future results in how many bytes were
// moved; canceling it ends it. An error, but for ErrBusy when there is a transfer to the same socket
// already, is a *TransferError.
type Transfer struct {
	*Future[int64]
	to    *Socket
	moved int64
	ended bool
	step  func() (again bool)
	undo  func() // takes back what is waited for
	close func()
}

// Moved returns how many bytes the destination has taken so far.
func (x *Transfer) Moved() int64 { return x.moved }

func newTransfer(l *Loop, to *Socket) *Transfer {
	x := &Transfer{to: to, Future: NewFuture[int64](l)}
	x.OnCancel(func(cause error) { x.end(&CanceledError{Cause: cause}) })
	return x
}

// begin takes the first steps, unless there is a transfer to the same socket already.
func (x *Transfer) begin() *Transfer {
	l := x.loop
	if l.transfers[x.to] != nil {
		x.release()
		_ = x.Fail(fmt.Errorf("transfer: %w", ErrBusy)) // nobody else has settled it
		return x
	}
	if l.transfers == nil {
		l.transfers = map[*Socket]*Transfer{}
	}
	l.transfers[x.to] = x
	x.run()
	return x
}

// run takes steps for as long as they go on.
func (x *Transfer) run() {
	x.undo = nil
	for range maxRun {
		if x.ended || !x.step() {
			return
		}
	}
	x.loop.Soon(x.run)
}

// await goes on when a socket is ready.
func (x *Transfer) await(once func(func()) error) {
	if err := once(x.run); err != nil {
		x.end(err)
		return
	}
	x.undo = func() { _ = once(nil) }
}

func (x *Transfer) end(err error) {
	if x.ended {
		return
	}
	x.ended = true
	if x.loop.transfers[x.to] == x { // and not another, because of which this one has not begun
		delete(x.loop.transfers, x.to)
	}
	if x.undo != nil {
		x.undo()
	}
	x.release()
	if err != nil {
		err = &TransferError{Moved: x.moved, Err: err}
	}
	x.settleOnce(x.moved, err)
}

// release closes what it holds.
func (x *Transfer) release() {
	if x.close != nil {
		x.close()
	}
}

// TransferError says how far a transfer has come that has failed.
type TransferError struct {
	Moved int64 // bytes that the destination has taken
	Err   error
}

func (e *TransferError) Error() string { return fmt.Sprintf("after %d bytes: %v", e.Moved, e.Err) }

// Unwrap returns what has failed.
func (e *TransferError) Unwrap() error { return e.Err }

func transferError(op string, s *Socket, err error) error {
	return &net.OpError{Op: op, Net: s.Network(), Source: s.LocalAddr(), Addr: s.PeerAddr(), Err: err}
}

// SendFile sends n bytes of a plain file from an offset on, or up to its end if n is less than
// 0, and results in how many were sent, which is less than n if the file ends before. Nobody
// else may write to the socket meanwhile.
func (s *Socket) SendFile(f *os.File, off, n int64) *Transfer {
	s.loop.check("Socket.SendFile")
	x := newTransfer(s.loop, s)
	x.step = func() bool {
		size := int64(maxStep)
		if n >= 0 {
			size = min(size, n-x.moved)
		}
		if size == 0 {
			x.end(nil)
			return false
		}
		sent, err := s.TrySendFile(f, off+x.moved, int(size))
		switch {
		case err == ErrWouldBlock:
			x.await(s.OnceWritable)
		case err == io.EOF:
			x.end(nil)
		case err == errNoFile:
			x.end(err)
		case ofFile(err):
			x.end(&os.PathError{Op: "send", Path: f.Name(), Err: err})
		case err != nil:
			x.end(transferError("write", s, err))
		}
		x.moved += int64(sent)
		return err == nil
	}
	return x.begin()
}

// ofFile reports whether it is the file that cannot be sent, and not the socket that cannot take
// it.
func ofFile(err error) bool {
	switch err {
	case nil, io.EOF, ErrWouldBlock:
		return false
	case syscall.EINVAL, syscall.EBADF, syscall.EISDIR, syscall.EIO, syscall.ESPIPE, syscall.EOVERFLOW:
		return true
	}
	var errno syscall.Errno
	return !errors.As(err, &errno) && !errors.Is(err, net.ErrClosed)
}

// SpliceTo moves what arrives at s to another socket until s's stream ends, and results in how
// many bytes that was; splice(2) does it within the system. Nobody else may read s or write to
// dst meanwhile. dst's stream stays open. When it is canceled, bytes that
// dst has not taken yet are lost. If a side has failed, the error wraps a *net.OpError whose
// Op, "read" or "write", says which. While it lasts it holds a pipe, two descriptors.
func (s *Socket) SpliceTo(dst *Socket) *Transfer {
	s.loop.check("Socket.SpliceTo")
	x := newTransfer(s.loop, dst)
	if dst.loop != s.loop {
		x.end(errors.New("splice to a socket of another loop"))
		return x
	}
	r, w, err := s.loop.host.OpenPipe()
	if err != nil {
		x.end(fmt.Errorf("pipe: %w", err))
		return x
	}
	ends := [...]pipeEnd{{s.loop, r}, {s.loop, w}}
	for _, e := range ends {
		s.loop.setWatcher(e.fd, e) // so that the loop closes it, if nobody else does
	}
	x.close = func() {
		for _, e := range ends {
			s.loop.fds[e.fd] = nil
			_ = e.drop()
		}
	}
	held := 0 // in the pipe, which is filled only when it is empty: so it is clear who is waited for
	x.step = func() bool {
		if held == 0 {
			n, err := s.trySplice(w)
			switch {
			case err == ErrWouldBlock:
				x.await(s.OnceReadable)
			case err == io.EOF:
				x.end(nil)
			case err != nil:
				x.end(transferError("read", s, err))
			}
			held = n
			return err == nil
		}
		n, err := dst.trySpliceFrom(r, held)
		switch {
		case err == ErrWouldBlock:
			x.await(dst.OnceWritable)
		case err != nil:
			x.end(transferError("write", dst, err))
		}
		held -= n
		x.moved += int64(n)
		return err == nil
	}
	return x.begin()
}

// pipeEnd is a descriptor that is only spliced.
type pipeEnd struct {
	loop *Loop
	fd   host.FD
}

func (pipeEnd) event(host.Ready) {} // none comes: it is not watched

func (e pipeEnd) drop() error { return e.loop.host.CloseFD(e.fd) }

// trySplice moves what has arrived into a pipe.
func (s *Socket) trySplice(pipe host.FD) (int, error) {
	if !s.may(&s.r, maxStep) {
		return 0, s.refusal("read", maxStep)
	}
	size := pass(s, &s.r, maxStep)
	if size == 0 {
		return 0, ErrWouldBlock
	}
	n, err := s.loop.host.TrySplice(pipe, s.fd, size)
	if s.urgent && (err == host.ErrAgain || err == io.EOF) { // which a mark looks like
		n, err = s.spliceMark(pipe, size)
	}
	if err == syscall.EIO && s.terminal {
		err = io.EOF
	}
	s.triedToRead(false, err)
	passed(s, &s.r, maxStep, size, n)
	return n, err
}

// spliceMark takes what is behind an urgent byte through the program, for splice(2) does not get
// past such a mark. The pipe is empty, so it takes that much.
func (s *Socket) spliceMark(pipe host.FD, size int) (int, error) {
	var b [4096]byte
	n, err := s.loop.host.TryRead(s.fd, b[:min(size, len(b))])
	if err != nil {
		return 0, err
	}
	return s.loop.host.TryWrite(pipe, b[:n])
}

// trySpliceFrom sends what is in a pipe.
func (s *Socket) trySpliceFrom(pipe host.FD, n int) (int, error) {
	if !s.may(&s.w, n) {
		return 0, s.refusal("write", n)
	}
	size := pass(s, &s.w, n)
	if size == 0 {
		return 0, ErrWouldBlock
	}
	moved, err := s.loop.host.TrySplice(s.fd, pipe, size)
	s.w.tried(false, err) // a pipe hands over what it has in pieces
	passed(s, &s.w, n, size, moved)
	return moved, err
}
