package green

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Conn is a net.Conn for green threads.
type Conn struct {
	hub         *Hub
	conn        *aio.Conn
	read, write time.Time // deadlines; zero is none
}

var _ net.Conn = (*Conn)(nil)

// Dial connects to an address on "tcp", "tcp4", "tcp6" or "unix".
func (h *Hub) Dial(network, address string) (*Conn, error) {
	c, err := aio.Dial(h.current("Dial"), network, address)
	if err != nil {
		return nil, err
	}
	return &Conn{hub: h, conn: c}, nil
}

// Read reads at most len(b) bytes, waiting for the first.
func (c *Conn) Read(b []byte) (n int, err error) {
	t := c.hub.current("Conn.Read")
	if c.read.IsZero() {
		return c.conn.Read(t, b)
	}
	err = c.until(t, c.read, func() error { n, err = c.conn.Read(t, b); return err })
	return n, err
}

// Write writes all of b.
func (c *Conn) Write(b []byte) (n int, err error) {
	t := c.hub.current("Conn.Write")
	if c.write.IsZero() {
		return c.conn.Write(t, b)
	}
	err = c.until(t, c.write, func() error { n, err = c.conn.Write(t, b); return err })
	return n, err
}

// until does something that ends with os.ErrDeadlineExceeded at a deadline.
func (c *Conn) until(t *corolla.Task, deadline time.Time, do func() error) error {
	l := c.hub.loop
	if !deadline.After(l.Time()) {
		return c.timedOut()
	}
	err := t.TimeoutAt(l.Now()+deadline.Sub(l.Time()), func(*corolla.Scope) error { return do() })
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, corolla.ErrCanceled) {
		return c.timedOut()
	}
	return err
}

func (c *Conn) timedOut() error {
	return &net.OpError{Op: "i/o", Net: "tcp", Addr: c.RemoteAddr(), Err: os.ErrDeadlineExceeded}
}

// Close closes the connection. A thread that waits for it gets net.ErrClosed.
func (c *Conn) Close() error { return c.conn.Close() }

// CloseWrite ends the stream to the peer. Reading goes on.
func (c *Conn) CloseWrite() error { return c.conn.CloseWrite() }

// Socket returns the socket underneath.
func (c *Conn) Socket() *corolla.Socket { return c.conn.Socket() }

// LocalAddr returns the connection's own address.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline sets both deadlines, for calls that begin after it.
func (c *Conn) SetDeadline(t time.Time) error {
	c.read, c.write = t, t
	return nil
}

// SetReadDeadline sets the time at which a Read that begins after it fails with
// os.ErrDeadlineExceeded; zero is never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.read = t
	return nil
}

// SetWriteDeadline does for Write what SetReadDeadline does for Read.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.write = t
	return nil
}

// Listener is a net.Listener for green threads.
type Listener struct {
	hub *Hub
	ln  *aio.Listener
}

var _ net.Listener = (*Listener)(nil)

// Listen listens at an address on "tcp", "tcp4", "tcp6" or "unix".
func (h *Hub) Listen(network, address string) (*Listener, error) {
	ln, err := aio.Listen(h.loop, network, address)
	if err != nil {
		return nil, err
	}
	return &Listener{h, ln}, nil
}

// Accept waits for a connection and returns it, a *Conn.
func (ln *Listener) Accept() (net.Conn, error) {
	c, err := ln.ln.Accept(ln.hub.current("Listener.Accept"))
	if err != nil {
		return nil, err
	}
	return &Conn{hub: ln.hub, conn: c}, nil
}

// Close stops listening. A thread that waits in Accept gets net.ErrClosed.
func (ln *Listener) Close() error { return ln.ln.Close() }

// Addr returns the address that is listened at.
func (ln *Listener) Addr() net.Addr { return ln.ln.Addr() }
