package aio

import (
	"io"
	"net"
	"time"

	"github.com/corolla-go/corolla"
)

// Bound presents a Conn as a net.Conn, to code that runs in a single task.
type Bound struct {
	task *corolla.Task
	conn *Conn
}

var _ net.Conn = (*Bound)(nil)

// Bind returns the connection as a net.Conn whose Read and Write park t. Use it in t only; another
// task calls Bind for itself.
func (c *Conn) Bind(t *corolla.Task) *Bound { return &Bound{t, c} }

// Read calls Conn.Read with the task.
func (b *Bound) Read(p []byte) (int, error) { return b.conn.Read(b.task, p) }

// Write calls Conn.Write with the task.
func (b *Bound) Write(p []byte) (int, error) { return b.conn.Write(b.task, p) }

// WriteTo lets io.Copy hold no buffer while nothing arrives, if w is a Bound on the same loop; see
// Copy.
func (b *Bound) WriteTo(w io.Writer) (int64, error) {
	if dst, ok := w.(*Bound); ok && dst.conn.Socket().Loop() == b.conn.Socket().Loop() {
		return Copy(b.task, dst.conn, b.conn)
	}
	return io.Copy(w, struct{ io.Reader }{b})
}

// Close is Conn.Close.
func (b *Bound) Close() error { return b.conn.Close() }

// CloseWrite is Conn.CloseWrite.
func (b *Bound) CloseWrite() error { return b.conn.CloseWrite() }

// LocalAddr is Conn.LocalAddr, but never nil.
func (b *Bound) LocalAddr() net.Addr { return named(b.conn.Socket(), b.conn.LocalAddr()) }

// RemoteAddr is Conn.RemoteAddr, but never nil.
func (b *Bound) RemoteAddr() net.Addr { return named(b.conn.Socket(), b.conn.RemoteAddr()) }

// nameless stands in for the address of a pipe and the like, which have none, since users of a
// net.Conn do not expect nil. As with net.Pipe it is the network's name.
type nameless string

func (n nameless) Network() string { return string(n) }
func (n nameless) String() string  { return string(n) }

func named(s *corolla.Socket, addr net.Addr) net.Addr {
	if addr == nil {
		return nameless(s.Network())
	}
	return addr
}

// SetDeadline is Conn.SetDeadline.
func (b *Bound) SetDeadline(t time.Time) error { return b.conn.SetDeadline(t) }

// SetReadDeadline is Conn.SetReadDeadline.
func (b *Bound) SetReadDeadline(t time.Time) error { return b.conn.SetReadDeadline(t) }

// SetWriteDeadline is Conn.SetWriteDeadline.
func (b *Bound) SetWriteDeadline(t time.Time) error { return b.conn.SetWriteDeadline(t) }

// BoundPacket presents a PacketConn as a net.PacketConn, and as a net.Conn to the peer of
// DialPacket, to code that runs in a single task.
type BoundPacket struct {
	task *corolla.Task
	conn *PacketConn
}

var (
	_ net.PacketConn = (*BoundPacket)(nil)
	_ net.Conn       = (*BoundPacket)(nil)
)

// Bind returns the connection as a net.PacketConn whose ReadFrom and WriteTo park t. Use it in t
// only; another task calls Bind for itself.
func (c *PacketConn) Bind(t *corolla.Task) *BoundPacket { return &BoundPacket{t, c} }

// ReadFrom calls PacketConn.ReadFrom with the task. The error is io.ErrShortBuffer for a datagram
// longer than p.
func (b *BoundPacket) ReadFrom(p []byte) (int, net.Addr, error) { return b.conn.ReadFrom(b.task, p) }

// WriteTo calls PacketConn.WriteTo with the task.
func (b *BoundPacket) WriteTo(p []byte, to net.Addr) (int, error) {
	return written(p, b.conn.WriteTo(b.task, p, to))
}

// Read is ReadFrom without the sender's address.
func (b *BoundPacket) Read(p []byte) (int, error) {
	n, _, err := b.conn.ReadFrom(b.task, p)
	return n, err
}

// Write sends to the peer of DialPacket.
func (b *BoundPacket) Write(p []byte) (int, error) { return b.WriteTo(p, nil) }

// written returns the result of writing a datagram, which is sent whole or not at all.
func written(p []byte, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close is PacketConn.Close.
func (b *BoundPacket) Close() error { return b.conn.Close() }

// LocalAddr is PacketConn.LocalAddr, but never nil.
func (b *BoundPacket) LocalAddr() net.Addr { return named(b.conn.Socket(), b.conn.LocalAddr()) }

// RemoteAddr is PacketConn.RemoteAddr.
func (b *BoundPacket) RemoteAddr() net.Addr { return b.conn.RemoteAddr() }

// SetDeadline is PacketConn.SetDeadline.
func (b *BoundPacket) SetDeadline(t time.Time) error { return b.conn.SetDeadline(t) }

// SetReadDeadline is PacketConn.SetReadDeadline.
func (b *BoundPacket) SetReadDeadline(t time.Time) error { return b.conn.SetReadDeadline(t) }

// SetWriteDeadline is PacketConn.SetWriteDeadline.
func (b *BoundPacket) SetWriteDeadline(t time.Time) error { return b.conn.SetWriteDeadline(t) }
