package transport

import (
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Mover is a Protocol that wants to know that its connection has moved to another loop.
type Mover interface {
	// Moved is called on the new loop, before anything else is called there.
	Moved(c *Conn)
}

// Moving is a connection on its way from one loop to another, with its Protocol. It belongs to no loop; one
// goroutine at a time may have it. One that is not taken by To must be closed.
type Moving struct {
	stream *stream.Moving
	proto  Protocol
	paused bool
}

// Move takes the connection from its loop, for another, with its Protocol: what was received and not given
// to Data moves with it, and so do TLS, what a Receiver holds, and limits. To its old loop the connection
// is then lost, and the Protocol is not told, unless it is a Mover: that is told on the new loop. OnClosed's
// functions are called on the old one, in the next turn, with an error that says so and wraps net.ErrClosed.
//
// It fails, and leaves the connection as it is: with corolla.ErrBusy during a transfer, with a producer,
// during a TLS handshake, and for a Receiver while it delivers; with an error that says so while written
// data is unsent, which within a call to Data is all that was written in it; and with net.ErrClosed before
// Opened, after either side has ended its stream, and once the connection is lost.
func (c *Conn) Move() (*Moving, error) {
	c.loop().Check("transport.Conn.Move")
	err := c.movable()
	if err != nil {
		return nil, fmt.Errorf("move %v: %w", c, err)
	}
	m := &Moving{proto: c.proto, paused: c.is(paused)}
	c.Socket().OnReadable(nil)
	if m.stream, err = stream.Move(&c.stream); err != nil {
		startReading(c)
		return nil, fmt.Errorf("move %v: %w", c, err)
	}
	c.state |= lost | closing
	c.err = errMoved
	c.loop().Soon(func() { tellOver(c) })
	return m, nil
}

var errMoved = fmt.Errorf("moved to another loop: %w", net.ErrClosed)

func (c *Conn) movable() error {
	switch {
	case c.is(closing|shut|lost|gotEOF) || !c.is(opened):
		return net.ErrClosed
	case c.is(away), c.prod != nil:
		return corolla.ErrBusy
	}
	if p, ok := c.proto.(interface{ delivering() bool }); ok && p.delivering() {
		return corolla.ErrBusy
	}
	return nil
}

// WhenSent calls f in the turn after everything that was written has been sent: the next one if it has. A
// second call replaces f, and so does a pull producer. On a connection that is lost f is not called.
func (c *Conn) WhenSent(f func()) {
	c.loop().Check("transport.Conn.WhenSent")
	if c.is(lost) {
		return
	}
	c.stream.WhenSent(func() {
		c.loop().Soon(func() {
			if !c.is(lost) {
				f()
			}
		})
	})
}

// To makes the connection one of a loop's. Data is called from the next turn on. After an error the
// connection is closed.
func (m *Moving) To(l *corolla.Loop) (*Conn, error) {
	c := &Conn{proto: m.proto, state: opened}
	if m.paused {
		c.state |= paused
	}
	if err := m.stream.Arrive(&c.stream, l, (*user)(c)); err != nil {
		return nil, err
	}
	l.Soon(func() { startReading(c) })
	if p, ok := m.proto.(Mover); ok {
		defer c.guard()
		p.Moved(c)
	}
	return c, nil
}

// Close closes a connection that no loop will take. The Protocol is not told.
func (m *Moving) Close() error { return m.stream.Close() }

// Moved implements Mover: the Receiver goes on, and its handler is told, if it has such a method with a
// *Receiver.
func (r *Receiver) Moved(c *Conn) {
	r.Conn = c
	if h, ok := r.handler.(interface{ Moved(r *Receiver) }); ok {
		h.Moved(r)
	}
}

// delivering reports whether the Receiver is at work, or about to be, on its loop.
func (r *Receiver) delivering() bool { return r.busy || r.soon }
