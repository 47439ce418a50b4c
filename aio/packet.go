package aio

import (
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/corolla-go/corolla"
)

// PacketConn sends and receives datagrams. One task may read while others write, in line as those
// of a Conn; errors are as those of Conn, and leave it as it is.
type PacketConn struct {
	sock        *corolla.Socket
	read, write side
}

// ListenPacket returns a PacketConn that is bound to an address on "udp", "udp4", "udp6" or
// "unixgram". Port 0 picks a free one, which LocalAddr tells.
func ListenPacket(l *corolla.Loop, network, address string, opts ...corolla.SocketOption) (*PacketConn, error) {
	s, err := l.ListenPacket(network, address, opts...)
	if err != nil {
		return nil, err
	}
	return NewPacketConn(s), nil
}

// NewPacketConn makes a PacketConn of a datagram socket, which it owns from then on.
func NewPacketConn(s *corolla.Socket) *PacketConn { return &PacketConn{sock: s} }

// DialPacket returns a PacketConn that sends to an address on "udp", "udp4", "udp6" or "unixgram"
// alone, and hears from it alone.
func DialPacket(t *corolla.Task, network, address string, opts ...corolla.SocketOption) (*PacketConn, error) {
	addrs, err := t.Loop().Resolve(network, address).Await(t)
	if err != nil {
		return nil, err
	}
	s, err := t.Loop().OpenPacket(nil, addrs[0], opts...)
	if err != nil {
		return nil, err
	}
	return NewPacketConn(s), nil
}

// ReadFrom parks t until there is a datagram, which may have no bytes, and says who sent it. If
// it is longer than b, the rest of it is lost and the error is io.ErrShortBuffer.
func (c *PacketConn) ReadFrom(t *corolla.Task, b []byte) (int, net.Addr, error) {
	if err := c.read.begin(t, c.sock.Readable()); err != nil {
		return 0, nil, err
	}
	defer c.read.end(t)
	for {
		if c.read.expired {
			return 0, nil, wrap(c.sock, "read", os.ErrDeadlineExceeded)
		}
		n, from, truncated, err := c.sock.TryReadFrom(b)
		switch {
		case truncated:
			return n, from, io.ErrShortBuffer
		case err == nil:
			return n, from, nil
		case err != corolla.ErrWouldBlock:
			return 0, nil, wrap(c.sock, "read", err)
		}
		if err := c.sock.WaitReadable(t); err != nil {
			return 0, nil, wrap(c.sock, "read", err)
		}
	}
}

// WriteTo sends one datagram, which may have no bytes, to an address; nil is that of
// DialPacket. It parks t while the system takes none.
func (c *PacketConn) WriteTo(t *corolla.Task, b []byte, to net.Addr) error {
	err := c.write.enter(t)
	if err == nil {
		err = c.send(t, b, to)
		c.write.end(t)
		err = cmp.Or(err, t.Checkpoint())
	}
	if err == errSwept {
		if err = os.ErrDeadlineExceeded; c.sock.Closed() {
			err = net.ErrClosed
		}
	}
	return wrap(c.sock, "write", err)
}

func (c *PacketConn) send(t *corolla.Task, b []byte, to net.Addr) error {
	for {
		if c.write.expired {
			return os.ErrDeadlineExceeded
		}
		if err := c.sock.TryWriteTo(b, to); err != corolla.ErrWouldBlock {
			return err
		}
		if err := c.sock.WaitWritable(t); err != nil {
			return err
		}
	}
}

// SetDeadline sets both deadlines; see SetReadDeadline.
func (c *PacketConn) SetDeadline(when time.Time) error {
	return errors.Join(c.SetReadDeadline(when), c.SetWriteDeadline(when))
}

// SetReadDeadline sets the time from which on reading, also by a task that waits already,
// fails with os.ErrDeadlineExceeded. The zero time is never.
func (c *PacketConn) SetReadDeadline(when time.Time) error { return c.deadline(&c.read, when) }

// SetWriteDeadline does for writing what SetReadDeadline does for reading.
func (c *PacketConn) SetWriteDeadline(when time.Time) error { return c.deadline(&c.write, when) }

func (c *PacketConn) deadline(d *side, when time.Time) error {
	c.sock.Loop().Check("aio.PacketConn.SetDeadline")
	if c.sock.Closed() {
		return wrap(c.sock, "set deadline", net.ErrClosed)
	}
	d.setDeadline(c.sock.Loop(), when)
	return nil
}

// Close closes the connection. Tasks that wait for it get net.ErrClosed.
func (c *PacketConn) Close() error {
	c.sock.Loop().Check("aio.PacketConn.Close")
	c.read.close()
	c.write.close()
	return c.sock.Close()
}

// LocalAddr returns the connection's own address, also after Close.
func (c *PacketConn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr returns the address that DialPacket was given, or nil.
func (c *PacketConn) RemoteAddr() net.Addr { return c.sock.PeerAddr() }

// Socket returns the socket underneath.
func (c *PacketConn) Socket() *corolla.Socket { return c.sock }
