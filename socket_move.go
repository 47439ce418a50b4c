package corolla

import (
	"fmt"
	"net"

	"github.com/corolla-go/corolla/internal/host"
)

// A socket belongs to one loop. To move it, the loop lets go of it and another takes it; in between it
// is a Moving, which belongs to nobody, and which whoever has it may hand to another goroutine.
//
// Accepting on one loop for another was the reason not to make this out of Detach and Adopt: those
// duplicate the descriptor, and change its mode twice. Moving costs a call to each of the two pollers,
// and AcceptMoving none to the first.

// Moving is a socket on its way from one loop to another. It is for one goroutine at a time. One that is
// not taken by To must be closed.
type Moving struct {
	parcel  host.Parcel // nil once it was taken or closed
	network network
	names   *names
	peer    host.Endpoint
	set     *socketOptions

	ended, writeOnly, terminal bool
	pieces                     [2]bool
}

// Move takes a socket from its loop, for another: To makes it one of that loop's. What was received
// and not read, and what the system has yet to send, moves too. To its old loop the socket is closed:
// OnClosed's functions are called.
//
// It fails, and leaves the socket as it is, while somebody uses it: with ErrBusy while a task waits for
// it, a callback is registered or a transfer is under way, and while written data is unsent in its
// Outbox. An Outbox with nothing in it stays behind, as does a Limiter that is shared with others; how
// much the socket may move by itself, it still may.
func Move(s *Socket) (*Moving, error) {
	s.loop.check("Move")
	switch {
	case s.closed:
		return nil, s.gone("move")
	case s.fd < 0:
		return nil, fmt.Errorf("corolla: move: a socket that is fed cannot move")
	case s.r.waiter != nil || s.w.waiter != nil || s.r.callback != nil || s.w.callback != nil || s.loop.transfers[s] != nil:
		return nil, fmt.Errorf("corolla: move: %w", ErrBusy)
	case s.out != nil && s.out.pending():
		return nil, fmt.Errorf("corolla: move: %d bytes are unsent", s.out.size)
	}
	s.remember() // while the descriptor is still ours to ask about
	if err := s.loop.host.Unwatch(s.fd); err != nil {
		return nil, fmt.Errorf("corolla: move: %w", err)
	}
	parcel, err := s.loop.host.Give(s.fd)
	if err != nil {
		return nil, fmt.Errorf("corolla: move: %w", err)
	}
	unthrottle(s)
	m := &Moving{
		parcel: parcel, network: s.network, names: s.names, peer: s.peer, set: s.set.forConnection(),
		ended: s.ended, writeOnly: s.writeOnly, terminal: s.terminal, pieces: [2]bool{s.r.pieces, s.w.pieces},
	}
	s.loop.fds[s.fd] = nil
	s.forget()
	return m, nil
}

// AcceptMoving accepts a connection from a listening socket for another loop: it never is one of the
// listener's. It is TryAccept otherwise.
func AcceptMoving(ln *Socket) (*Moving, error) {
	ln.loop.check("AcceptMoving")
	if ln.set != nil && (ln.set.proxy != nil || ln.set.feed != nil) {
		s, err := ln.TryAccept()
		if err != nil {
			return nil, err
		}
		m, err := Move(s)
		if err != nil {
			_ = s.Close() // nobody has heard of it
		}
		return m, err
	}
	if !ln.may(&ln.r, 1) {
		return nil, ln.refusal("accept", 1)
	}
	c, err := acceptNext(ln)
	if err != nil {
		return nil, err
	}
	parcel, err := ln.loop.host.Give(c.FD)
	if err != nil {
		return nil, err
	}
	m := &Moving{parcel: parcel, network: ln.network, peer: c.Peer, set: ln.set.forConnection()}
	if ln.names != nil && !ln.names.everywhere() {
		m.names = ln.names
	}
	if c.Other != nil {
		m.names = &names{peer: c.Other}
		if ln.names != nil {
			m.names.local = ln.names.local
		}
	}
	return m, nil
}

// forConnection returns what options of a listener, which belong to its loop, mean for a connection on
// any. A Limiter that is shared belongs to that loop, too, so what moves leaves it.
func (o *socketOptions) forConnection() *socketOptions {
	if o == nil || o.policies == defaultPolicies && o.limits.own == (throttle{}).own {
		return nil
	}
	c := *o
	c.proxy, c.feed, c.handshakes, c.gates, c.limits.shared = nil, nil, nil, nil, [2]*Limiter{}
	return &c
}

// To makes the socket one of a loop's, to be used as if that had accepted it. After an error the socket is
// closed.
func (m *Moving) To(l *Loop) (*Socket, error) {
	l.check("Moving.To")
	if m.parcel == nil {
		return nil, fmt.Errorf("corolla: move: %w", net.ErrClosed)
	}
	if l.state >= closing {
		_ = m.Close() // the loop's end is the error
		return nil, fmt.Errorf("corolla: move: %w", ErrLoopClosed)
	}
	fd, err := l.host.Take(m.parcel)
	if err != nil {
		_ = m.Close() // as above
		return nil, fmt.Errorf("corolla: move: %w", err)
	}
	m.parcel = nil
	s, err := l.newSocket(fd, m.network)
	if err != nil {
		return nil, fmt.Errorf("corolla: move: %w", err)
	}
	s.names, s.peer, s.set = m.names, m.peer, m.set
	s.ended, s.writeOnly, s.terminal = m.ended, m.writeOnly, m.terminal
	s.r.pieces, s.w.pieces = s.r.pieces || m.pieces[0], s.w.pieces || m.pieces[1]
	s.w.ready = true
	throttleAsSet(s)
	return s, nil
}

// PeerAddr returns the address of the peer, or nil if it is not known.
func (m *Moving) PeerAddr() net.Addr {
	switch {
	case m.peer.Known():
		return m.peer.Addr()
	case m.names != nil && m.names.peer != nil:
		return host.CloneAddr(m.names.peer)
	}
	return nil
}

// Close closes a socket that no loop will take. A second Close, and one after To, return net.ErrClosed.
func (m *Moving) Close() error {
	p := m.parcel
	if p == nil {
		return fmt.Errorf("corolla: close: %w", net.ErrClosed)
	}
	m.parcel = nil
	return p.Drop()
}
