package green

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Conn is a net.Conn for green threads. One thread may read while others write; see aio.Conn.
type Conn struct {
	hub  *Hub
	conn *aio.Conn
	deaf bool // CloseRead was called
}

var _ net.Conn = (*Conn)(nil)

// Wrap returns a Conn for a task's connection, such as one on an adopted socket. Both remain
// usable.
func (h *Hub) Wrap(c *aio.Conn) *Conn { return &Conn{hub: h, conn: c} }

// Adopt returns a Conn for a connection that is already open, such as a *net.TCPConn; see
// corolla.Loop.Adopt.
func (h *Hub) Adopt(c syscall.Conn) (*Conn, error) {
	s, err := h.loop.Adopt(c)
	if err != nil {
		return nil, err
	}
	return h.Wrap(aio.NewConn(s)), nil
}

// AIO returns the underlying connection, for what tasks can do with it: read lines, send files,
// pass it to a library that starts goroutines (aio.Conn.NetConn).
func (c *Conn) AIO() *aio.Conn { return c.conn }

// Read reads at most len(b) bytes, waiting for the first.
func (c *Conn) Read(b []byte) (int, error) {
	t := c.hub.current("green.Conn.Read")
	if c.hub.calm(t) && !c.deaf { // the common case, with no closure on the stack of every waiting thread
		n, err := c.conn.Read(t, b)
		if err != nil && c.deaf { // since the read began
			err = io.EOF
		}
		return n, err
	}
	return c.readSlowly(t, b)
}

//go:noinline
func (c *Conn) readSlowly(t *corolla.Task, b []byte) (int, error) {
	if c.deaf {
		return 0, io.EOF
	}
	n, err := call(c.hub, t, func() (int, error) { return c.conn.Read(t, b) })
	if err != nil && c.deaf {
		err = io.EOF
	}
	return n, err
}

// Write accepts all of b for sending. It waits while other threads write, and while too much is
// unsent; see aio.Conn.Write.
func (c *Conn) Write(b []byte) (int, error) {
	t := c.hub.current("green.Conn.Write")
	return call(c.hub, t, func() (int, error) { return c.conn.Write(t, b) })
}

// TryWrite accepts all of b for sending, or none of it, and never waits; see aio.Conn.TryWrite. It
// can also be called outside a green thread.
func (c *Conn) TryWrite(b []byte) error { return c.conn.TryWrite(b) }

// Flush waits until everything written has been sent.
func (c *Conn) Flush() error {
	t := c.hub.current("green.Conn.Flush")
	return c.hub.within(t, func() error { return c.conn.Flush(t) })
}

// WriteTo lets io.Copy hold no buffer while nothing arrives, if w is a Conn too; see aio.Copy.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	dst, ok := w.(*Conn)
	if !ok || dst.hub.loop != c.hub.loop || c.deaf {
		return copyOut(w, c)
	}
	t := c.hub.current("green.Conn.WriteTo")
	if len(c.hub.dying) > 0 {
		return copyDying(c.hub, t, dst, c)
	}
	return aio.Copy(t, dst.conn, c.conn) // with a small stack: this is where most idle connections wait
}

//go:noinline
func copyOut(w io.Writer, c *Conn) (int64, error) { return io.Copy(w, struct{ io.Reader }{c}) }

//go:noinline
func copyDying(h *Hub, t *corolla.Task, dst, src *Conn) (int64, error) {
	return call(h, t, func() (int64, error) { return aio.Copy(t, dst.conn, src.conn) })
}

// ClientTLS starts TLS as the client on an open connection, and returns when the handshake is done;
// see aio.Conn.ClientTLS. Nothing may have been read ahead: a bufio.Reader must be empty.
func (c *Conn) ClientTLS(cfg *tls.Config, opts ...corolla.SocketOption) error {
	t := c.hub.current("green.Conn.ClientTLS")
	return c.hub.within(t, func() error { return c.conn.ClientTLS(t, cfg, opts...) })
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(cfg *tls.Config, opts ...corolla.SocketOption) error {
	t := c.hub.current("green.Conn.ServerTLS")
	return c.hub.within(t, func() error { return c.conn.ServerTLS(t, cfg, opts...) })
}

// TLS returns the connection's TLS state. It reports false if TLS was not started, or the handshake
// is not done.
func (c *Conn) TLS() (tls.ConnectionState, bool) { return c.conn.TLS() }

// Close closes the connection. A thread waiting on it gets net.ErrClosed. What was written is still
// sent.
func (c *Conn) Close() error { return c.conn.Close() }

// Abort closes the connection at once: unsent data is dropped, and the peer sees a reset.
func (c *Conn) Abort() error { return c.conn.Abort() }

// CloseWrite ends the stream to the peer. Reading still works.
func (c *Conn) CloseWrite() error { return c.conn.CloseWrite() }

// CloseRead ends reading: Read returns io.EOF, including a Read in progress. The peer is not told;
// the system keeps what it sends until its buffer is full.
func (c *Conn) CloseRead() error {
	if err := c.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	c.deaf = true
	return nil
}

// Socket returns the underlying socket.
func (c *Conn) Socket() *corolla.Socket { return c.conn.Socket() }

// LocalAddr returns the local address, which is never nil.
func (c *Conn) LocalAddr() net.Addr { return c.conn.Bind(nil).LocalAddr() }

// RemoteAddr returns the peer's address, which is never nil.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.Bind(nil).RemoteAddr() }

// SetDeadline sets both deadlines; see SetReadDeadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// SetReadDeadline sets the time after which Read, including a Read in progress, fails with
// os.ErrDeadlineExceeded. The zero time means never. To limit a stretch of code, use Hub.Timeout.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline does for Write what SetReadDeadline does for Read.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

// String names the connection by its network and its two addresses, for reports.
func (c *Conn) String() string { return c.conn.String() }
