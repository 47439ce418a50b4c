package stream

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/secure"
)

// Moving is a stream on its way from one loop to another: its socket, its TLS with what that has received
// and not given out, and its settings. What is unsent does not move, since it belongs to the outbox of the
// old loop.
type Moving struct {
	sock      *corolla.Moving
	layer     *secure.Layer // nil without TLS
	early     []byte        // received, and TLS has not seen it
	low, high int

	idle        time.Duration // as SetIdleTimeout has it
	life, phase movingBound
}

// movingBound is a bound on its way.
type movingBound struct{ left, whole time.Duration } // both 0 if there is none

// ErrUnsent says that a stream cannot move before it has sent what was written.
var ErrUnsent = errors.New("written data is unsent: flush it first")

// Move takes a stream from its loop. To the loop it has then ended; its user is not told. It fails, and
// leaves the stream as it is, while it is used.
func Move(s *Stream) (*Moving, error) {
	if err := movable(s); err != nil {
		return nil, err
	}
	m := &Moving{}
	m.low, m.high = s.out.Marks()
	sock, err := corolla.Move(s.sock)
	if err != nil {
		return nil, err
	}
	if m.sock = sock; s.tls != nil {
		m.layer, m.early = s.tls.layer, s.tls.early
	}
	if s.more != nil {
		l := s.sock.Loop()
		m.idle, m.life, m.phase = s.more.most, s.more.life.moving(l), s.more.phase.moving(l)
		s.more.stop()
	}
	s.over, s.closing = true, true
	return m, nil
}

// moving returns what moves of a bound: at least 1 is left of one that there is.
func (b *bound) moving(l *corolla.Loop) movingBound {
	if b.timer == nil || !b.timer.Active() {
		return movingBound{}
	}
	return movingBound{max(b.timer.When()-l.Now(), 1), b.whole}
}

// movable returns why the stream cannot move, or nil.
func movable(s *Stream) error {
	switch {
	case s.over || s.closing:
		return net.ErrClosed
	case s.Pair():
		return fmt.Errorf("two sockets: %w", errors.ErrUnsupported)
	case s.Err() != nil:
		return s.Err()
	case s.Handshaking():
		return fmt.Errorf("a TLS handshake: %w", corolla.ErrBusy)
	case s.HandshakeErr() != nil:
		return s.HandshakeErr()
	case s.tls != nil && s.tls.under != nil:
		return fmt.Errorf("TLS inside of TLS: %w", errors.ErrUnsupported)
	case s.more != nil && (s.more.in != nil || s.more.out != nil), s.tls != nil && s.tls.holds():
		return fmt.Errorf("a transfer: %w", corolla.ErrBusy)
	}
	if s.out.TrySend(); s.Len() > 0 {
		return ErrUnsent
	}
	return s.Err() // of that
}

// Arrive makes a stream of one that has moved, on a loop.
func (m *Moving) Arrive(s *Stream, l *corolla.Loop, user User) error {
	sock, err := m.sock.To(l)
	if err != nil {
		return err
	}
	s.Init(sock, user)
	s.out.SetMarks(m.low, m.high)
	if m.layer != nil {
		s.tls = &security{stream: s, layer: m.layer, early: m.early}
		m.layer.Rebase(wire{s.tls})
	}
	if s.more != nil || m.idle+m.life.left+m.phase.left > 0 {
		s.SetIdleTimeout(m.idle) // not what the options say, which was set anew before
		y := s.more
		y.life.start(s, m.life.left, m.life.whole)
		y.phase.start(s, m.phase.left, m.phase.whole)
	}
	return nil
}

// Close closes a stream that no loop will take.
func (m *Moving) Close() error { return m.sock.Close() }

// PeerAddr returns the peer's address, or nil.
func (m *Moving) PeerAddr() net.Addr { return m.sock.PeerAddr() }
