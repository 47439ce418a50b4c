// Package stream is what the connections and servers of both styles have in common: a socket, what
// is written and not sent yet, TLS, files in their turn, the end of a connection and what may go on
// after it, and which connections a server takes.
//
// Nothing here parks a task, but for the task that does a TLS handshake, and nothing calls a
// protocol. A Stream tries, takes note, and tells its User; package aio makes parked tasks of that and
// package transport callbacks. One Conn for both styles was rejected: each would carry what only the
// other needs, and a task that waits would be told what it already knows.
package stream

import (
	"fmt"
	"io"
	"slices"

	"github.com/corolla-go/corolla"
)

// Stream is a connection without a style. Init prepares one.
type Stream struct {
	sock *corolla.Socket
	out  corolla.Outbox
	user User
	tls  *security // nil is none
	more *more     // nil is none of it

	above   bool // the high water mark, and the user was told
	closing bool // Close or End was called
	over    bool // the socket is closed, by Close or End
}

// User is the connection that a Stream belongs to. It is told what nobody has asked for.
type User interface {
	// Marks is called when more than the high water mark is to be sent, within the call that
	// writes it, and when it is down to the low one.
	Marks(above bool)
	// Over is called once the stream can be used no more: with nil when Close has sent
	// everything, and otherwise with what has ended it. A stream that was not closed is still
	// open then, for what has arrived: its user ends it.
	Over(err error)
}

// Init makes a stream of a connected socket.
func (s *Stream) Init(sock *corolla.Socket, user User) {
	s.sock, s.user = sock, user
	s.out.Init(sock, s.sendFailed)
	s.out.OnMarks(s.crossed)
}

// Socket returns the socket underneath.
func (s *Stream) Socket() *corolla.Socket { return s.sock }

// Outbox returns what holds the bytes that are to be sent, behind TLS if there is any.
func (s *Stream) Outbox() *corolla.Outbox { return &s.out }

// String names the connection, for reports.
func (s *Stream) String() string { return Describe(s.sock) }

// TryRead reads at most len(b) bytes, through TLS if there is any. It returns
// corolla.ErrWouldBlock if nothing has arrived, and during the handshake, and the error with which
// sending has failed instead of io.EOF: the system tells of a reset once, and when it has told a
// write, reading finds an end as if all had arrived.
func (s *Stream) TryRead(b []byte) (n int, err error) {
	s.Active()
	if s.tls == nil {
		n, err = s.sock.TryRead(b)
	} else {
		n, err = s.tls.read(b)
	}
	if err == io.EOF {
		err = s.ended()
	}
	return n, err
}

// ended says what the end of the stream is.
func (s *Stream) ended() error {
	if err := s.Err(); err != nil {
		return err
	}
	return io.EOF
}

// Err returns why nothing can be sent any more, or nil.
func (s *Stream) Err() error {
	if err := s.out.Err(); err != nil {
		return err
	}
	if s.more != nil {
		return s.more.failed
	}
	return nil
}

// Write takes b to be sent, which may be reused at once. During a TLS handshake, and while a file is
// sent through TLS, it waits in the stream.
func (s *Stream) Write(b []byte) error {
	s.Active()
	if s.tls == nil {
		return s.out.Write(b)
	}
	return s.tls.write(b)
}

// WriteBatch is Write of several pieces, which leave in one call to the system if they can.
func (s *Stream) WriteBatch(bufs [][]byte) error {
	if s.tls != nil {
		return s.Write(slices.Concat(bufs...))
	}
	s.Active()
	return s.out.WriteBatch(bufs)
}

// Len returns how many bytes were written and not yet sent.
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

// Above reports whether more is to be sent than the high water mark, or still more than the low.
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

// crossed is told by the outbox. What TLS writes it writes under a lock, so the user, who may write
// again, is told when TLS has returned; every call of TLS is followed by a mark.
func (s *Stream) crossed(above bool) {
	if s.tls == nil || !above {
		s.mark()
	}
}

// mark tells the user of the water marks.
func (s *Stream) mark() {
	if above := s.Above(); above != s.above {
		s.above = above
		s.user.Marks(above)
	}
}

// WhenSent calls f, once, when all that was written is sent: at once if it is. It replaces what was
// to be called before.
func (s *Stream) WhenSent(f func()) {
	if s.tls != nil && s.tls.holds() {
		s.tls.then = func() { s.out.WhenEmpty(f) }
		return
	}
	s.out.WhenEmpty(f)
}

// sendFailed is told, by the outbox or a transfer, that what was written will not be sent.
func (s *Stream) sendFailed(err error) {
	if s.over {
		return
	}
	if s.closing { // it was only there to send
		_ = s.End(false)
	}
	s.user.Over(fmt.Errorf("write: %w", err))
}
