package green

import (
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// PacketConn is a net.PacketConn for green threads. One from DialPacket is a net.Conn to its peer
// too.
type PacketConn struct {
	hub  *Hub
	conn *aio.PacketConn
}

var (
	_ net.PacketConn = (*PacketConn)(nil)
	_ net.Conn       = (*PacketConn)(nil)
)

// ListenPacket returns a PacketConn bound to an address on "udp", "udp4", "udp6" or "unixgram". It
// can be called outside a green thread.
func (h *Hub) ListenPacket(network, address string, opts ...corolla.SocketOption) (*PacketConn, error) {
	c, err := aio.ListenPacket(h.loop, network, address, opts...)
	if err != nil {
		return nil, err
	}
	return &PacketConn{h, c}, nil
}

// DialPacket returns a PacketConn that sends only to an address, and receives only from it.
func (h *Hub) DialPacket(network, address string, opts ...corolla.SocketOption) (*PacketConn, error) {
	t := h.current("green.Hub.DialPacket")
	c, err := call(h, t, func() (*aio.PacketConn, error) { return aio.DialPacket(t, network, address, opts...) })
	if err != nil {
		return nil, err
	}
	return &PacketConn{h, c}, nil
}

// AIO returns the underlying connection.
func (c *PacketConn) AIO() *aio.PacketConn { return c.conn }

// ReadFrom waits for a datagram. The error is io.ErrShortBuffer if it is longer than b.
func (c *PacketConn) ReadFrom(b []byte) (n int, from net.Addr, err error) {
	t := c.hub.current("green.PacketConn.ReadFrom")
	n, err = call(c.hub, t, func() (n int, err error) {
		n, from, err = c.conn.ReadFrom(t, b)
		return n, err
	})
	return n, from, err
}

// WriteTo sends one datagram.
func (c *PacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	t := c.hub.current("green.PacketConn.WriteTo")
	if err := c.hub.within(t, func() error { return c.conn.WriteTo(t, b, to) }); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Read is ReadFrom without the sender's address.
func (c *PacketConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

// Write is WriteTo DialPacket's peer.
func (c *PacketConn) Write(b []byte) (int, error) { return c.WriteTo(b, nil) }

// Close closes the connection. A thread waiting on it gets net.ErrClosed.
func (c *PacketConn) Close() error { return c.conn.Close() }

// LocalAddr returns the local address, which is never nil.
func (c *PacketConn) LocalAddr() net.Addr { return c.conn.Bind(nil).LocalAddr() }

// RemoteAddr returns the address that was given to DialPacket, or nil.
func (c *PacketConn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline sets both deadlines; see SetReadDeadline.
func (c *PacketConn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// SetReadDeadline sets the time after which reading, including a read in progress, fails with
// os.ErrDeadlineExceeded. The zero time means never.
func (c *PacketConn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline does for writing what SetReadDeadline does for reading.
func (c *PacketConn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }
