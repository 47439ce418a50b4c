package aio

import (
	"fmt"
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Moving is a connection on its way from one loop to another. It belongs to no loop; one goroutine at a
// time may have it. One that is not taken by To must be closed.
type Moving struct {
	stream      *stream.Moving
	in          []byte
	limit       int
	read, write time.Time // deadlines
}

// Move takes the connection from its loop, for another: what was received and not read moves with it, and
// so do TLS, limits and deadlines. To its old loop the connection is then closed.
//
// It fails, and leaves the connection as it is: with corolla.ErrBusy while a task reads or writes, a
// callback is registered or a TLS handshake is under way; with an error that says so while written data
// is unsent (see Flush); and after CloseWrite.
func (c *Conn) Move() (*Moving, error) {
	c.check("Move")
	switch {
	case c.closed || c.ending:
		return nil, c.wrap("move", net.ErrClosed)
	case c.read.holder() != nil || c.write.holder() != nil || c.once != nil:
		return nil, fmt.Errorf("move: %w", corolla.ErrBusy)
	}
	m := &Moving{in: c.in, limit: c.limit}
	l := c.Socket().Loop()
	m.read, m.write = c.read.deadline(l), c.write.deadline(l)
	var err error
	if m.stream, err = stream.Move(&c.stream); err != nil {
		return nil, c.wrap("move", err)
	}
	shut(c)
	return m, nil
}

// deadline returns when the direction's deadline is; the zero time is never.
func (d *direction) deadline(l *corolla.Loop) time.Time {
	switch {
	case d.expired:
		return time.Unix(1, 0)
	case d.timer == nil || !d.timer.Active():
		return time.Time{}
	}
	return l.Time().Add(d.timer.When() - l.Now())
}

// To makes the connection one of a loop's. After an error it is closed.
func (m *Moving) To(l *corolla.Loop) (*Conn, error) {
	c := &Conn{in: m.in, limit: m.limit, moved: true}
	if err := m.stream.Arrive(&c.stream, l, (*user)(c)); err != nil {
		return nil, err
	}
	c.read.setDeadline(l, m.read)
	c.write.setDeadline(l, m.write)
	return c, nil
}

// PeerAddr returns the peer's address, or nil if it is not known.
func (m *Moving) PeerAddr() net.Addr { return m.stream.PeerAddr() }

// Close closes a connection that no loop will take.
func (m *Moving) Close() error { return m.stream.Close() }
