// Package stream is what the connections and servers of both styles share: a socket, unsent data,
// TLS, files queued among the data, the end of a connection and what may linger after it, and which
// connections a server takes.
//
// Nothing here parks a task, except the one that does a TLS handshake, and nothing calls a
// protocol. A Stream tries, remembers, and tells its User; package aio turns that into parked tasks
// and package transport into callbacks. One Conn for both styles was rejected: each would carry
// what only the other needs, and a waiting task would be told what it already knows.
package stream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"

	"github.com/corolla-go/corolla"
)

// Stream is a connection without a style. Init prepares one.
type Stream struct {
	sock *corolla.Socket
	out  corolla.Outbox
	user User
	tls  *security // nil if there is none
	more *more     // nil while none of it is needed

	above   bool // the high water mark; the user was told
	closing bool // Close or End was called
	over    bool // the socket is closed, by Close or End
}

// User is the connection that a Stream belongs to. It is told of what happens outside its own
// calls.
type User interface {
	// Marks is called when unsent data exceeds the high water mark, within the call that writes it,
	// and when it is down to the low one.
	Marks(above bool)
	// Over is called when the stream can no longer be used: with nil when Close has sent
	// everything, and otherwise with what ended it. A stream that was not closed is still open
	// then, for the data that has arrived: its user ends it.
	Over(err error)
}

// Init makes a stream of a connected socket.
func (s *Stream) Init(sock *corolla.Socket, user User) {
	s.sock, s.user = sock, user
	s.out.Init(sock, s.sendFailed)
	s.out.OnMarks(s.crossed)
	obey(s, sock.Policies())
}

// obey does what the socket's options say.
func obey(s *Stream, p corolla.Policies) {
	if p.IdleTimeout > 0 {
		s.SetIdleTimeout(p.IdleTimeout)
	}
	if p.LifeTimeout > 0 {
		s.rest().life.start(s, p.LifeTimeout, p.LifeTimeout)
	}
	if p.LogTraffic != nil {
		logTraffic(s, p.LogTraffic)
	}
}

// InitPair makes a stream of two sockets, one to read from and one to write to, such as the two pipes
// of a process.
func (s *Stream) InitPair(in, out *corolla.Socket, user User) {
	s.sock, s.user = in, user
	s.rest().to = out
	s.out.Init(out, s.sendFailed)
	s.out.OnMarks(s.crossed)
	obey(s, in.Policies())
}

// Until is called when a stream has ended, with the reason, and calls done with what its user is to be
// told when it is time.
type Until = func(err error, done func(error))

// SetUntil sets what the end of the stream waits for.
func (s *Stream) SetUntil(u Until) { s.rest().until = u }

// Until returns what the end of the stream waits for, or nil.
func (s *Stream) Until() Until {
	if s.more == nil {
		return nil
	}
	return s.more.until
}

// Pair reports whether the stream has two sockets.
func (s *Stream) Pair() bool { return s.more != nil && s.more.to != nil }

// to returns the socket that is written to.
func (s *Stream) to() *corolla.Socket {
	if s.Pair() {
		return s.more.to
	}
	return s.sock
}

// Socket returns the underlying socket, of two the one that is read from.
func (s *Stream) Socket() *corolla.Socket { return s.sock }

// Outbox returns the buffer of unsent bytes, already encrypted if there is TLS.
func (s *Stream) Outbox() *corolla.Outbox { return &s.out }

// String identifies the connection, for reports.
func (s *Stream) String() string {
	if s.Pair() {
		return fmt.Sprintf("%s and %s", s.sock.Network(), s.to().Network())
	}
	return Describe(s.sock)
}

// TryRead reads at most len(b) bytes, through TLS if there is any. It returns corolla.ErrWouldBlock
// if nothing has arrived, and during the handshake. Other errors are as ReadErr says.
func (s *Stream) TryRead(b []byte) (n int, err error) {
	if s.tls == nil {
		n, err = s.sock.TryRead(b)
		err = s.ReadErr(err)
	} else if n, err = s.tls.read(b); err == io.EOF {
		err = s.ReadErr(err)
	}
	if s.more != nil {
		received(s, b[:n], err)
	}
	return n, err
}

// TryReadFiles is TryRead of a Unix socket without TLS, and also returns the files that came with the
// bytes.
func (s *Stream) TryReadFiles(b []byte) (n int, files []*os.File, err error) {
	n, files, err = s.sock.TryReadFiles(b)
	err = s.ReadErr(err)
	received(s, b[:n], err)
	return n, files, err
}

// ReadErr returns what a reader of the socket is told that got an error from it. The system reports a
// reset only once, to a read or a write; after that, a read finds the end of the stream as if everything
// had arrived. So it is kept, and returned instead of io.EOF.
func (s *Stream) ReadErr(err error) error {
	switch {
	case err == nil || err == corolla.ErrWouldBlock || s.Pair():
	case err == io.EOF:
		if failed := s.Err(); failed != nil {
			return failed
		}
	case s.Err() == nil && !errors.Is(err, net.ErrClosed):
		s.rest().failed = err
	}
	return err
}

// Err returns why nothing can be sent any more, or nil. Reading may have found it out.
func (s *Stream) Err() error {
	if err := s.out.Err(); err != nil {
		return err
	}
	if s.more != nil {
		return s.more.failed
	}
	return nil
}

// Write accepts b for sending; b may be reused at once. During a TLS handshake, and while a file is
// being sent through TLS, the data waits in the stream.
func (s *Stream) Write(b []byte) error {
	if s.more != nil {
		accepted(s, b)
	}
	if s.tls == nil {
		return s.out.Write(b)
	}
	return s.tls.write(b)
}

// WriteBatch is Write for several pieces, sent in one system call if possible.
func (s *Stream) WriteBatch(bufs [][]byte) error {
	if s.tls != nil {
		return s.Write(slices.Concat(bufs...))
	}
	if s.more != nil {
		accepted(s, bufs...)
	}
	return s.out.WriteBatch(bufs)
}

// Len returns how many bytes are written but not yet sent.
func (s *Stream) Len() int {
	if s.tls != nil {
		return s.out.Len() + s.tls.size
	}
	return s.out.Len()
}

// SetMarks sets the water marks in bytes; see corolla.Outbox.SetMarks.
func (s *Stream) SetMarks(low, high int) {
	s.out.SetMarks(low, high)
	s.mark()
}

// Above reports whether unsent data exceeds the high water mark, or has done so and still exceeds
// the low one.
func (s *Stream) Above() bool {
	if s.tls == nil || s.tls.size == 0 {
		return s.out.Above()
	}
	low, high := s.out.Marks()
	if s.above {
		return s.Len() > low
	}
	return s.Len() > high
}

// crossed is called by the outbox. TLS writes under a lock, so the user, which may write again, is
// told only once TLS has returned; every call to TLS is followed by mark.
func (s *Stream) crossed(above bool) {
	if s.tls == nil || !above {
		s.mark()
	}
}

// mark tells the user if a water mark was crossed.
func (s *Stream) mark() {
	if above := s.Above(); above != s.above {
		s.above = above
		s.user.Marks(above)
	}
}

// WhenSent calls f, once, when everything written is sent: at once if it already is. It replaces
// any f that has not been called yet.
func (s *Stream) WhenSent(f func()) {
	if s.tls != nil && s.tls.holds() {
		s.tls.then = func() { s.out.WhenEmpty(f) }
		return
	}
	s.out.WhenEmpty(f)
}

// sendFailed is called, by the outbox or a transfer, when what was written will not be sent.
func (s *Stream) sendFailed(err error) {
	if s.over {
		return
	}
	if s.closing { // it was open only to send
		_ = s.End(false)
	}
	s.user.Over(fmt.Errorf("write: %w", err))
}
