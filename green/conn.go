package green

import (
	"io"
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Conn is a net.Conn for green threads.
type Conn struct {
	hub  *Hub
	conn *aio.Conn
}

var _ net.Conn = (*Conn)(nil)

// Dial connects to an address on "tcp", "tcp4", "tcp6" or "unix".
func (h *Hub) Dial(network, address string, opts ...corolla.SocketOption) (*Conn, error) {
	c, err := aio.Dial(h.current("Dial"), network, address, opts...)
	if err != nil {
		return nil, err
	}
	return &Conn{hub: h, conn: c}, nil
}

// Read reads at most len(b) bytes, waiting for the first.
func (c *Conn) Read(b []byte) (int, error) { return c.conn.Read(c.hub.current("Conn.Read"), b) }

// Write takes all of b to be sent, and waits while other threads write, and while much is to be sent.
func (c *Conn) Write(b []byte) (int, error) { return c.conn.Write(c.hub.current("Conn.Write"), b) }

// TryWrite takes all of b to be sent, or nothing, and never waits; see aio.Conn.TryWrite. It can be
// called outside of a green thread too.
func (c *Conn) TryWrite(b []byte) error { return c.conn.TryWrite(b) }

// WriteTo lets io.Copy hold no buffer while nothing arrives, if w is a Conn too; see aio.Copy.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if dst, ok := w.(*Conn); ok && dst.hub.loop == c.hub.loop {
		return aio.Copy(c.hub.current("Conn.WriteTo"), dst.conn, c.conn)
	}
	return io.Copy(w, struct{ io.Reader }{c})
}

// Close closes the connection. A thread that waits for it gets net.ErrClosed.
func (c *Conn) Close() error { return c.conn.Close() }

// CloseWrite ends the stream to the peer. Reading goes on.
func (c *Conn) CloseWrite() error { return c.conn.CloseWrite() }

// Socket returns the socket underneath.
func (c *Conn) Socket() *corolla.Socket { return c.conn.Socket() }

// LocalAddr returns the connection's own address; it is never nil.
func (c *Conn) LocalAddr() net.Addr { return c.conn.Bind(nil).LocalAddr() }

// RemoteAddr returns the address of the peer; it is never nil.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.Bind(nil).RemoteAddr() }

// SetDeadline sets both deadlines; see SetReadDeadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// SetReadDeadline sets the time from which on Read, also one under way, fails with
// os.ErrDeadlineExceeded. The zero time is never.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline does for Write what SetReadDeadline does for Read.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

// Listener is a net.Listener for green threads.
type Listener struct {
	hub *Hub
	ln  *aio.Listener
}

var _ net.Listener = (*Listener)(nil)

// Listen listens at an address on "tcp", "tcp4", "tcp6" or "unix".
func (h *Hub) Listen(network, address string, opts ...corolla.SocketOption) (*Listener, error) {
	ln, err := aio.Listen(h.loop, network, address, opts...)
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
