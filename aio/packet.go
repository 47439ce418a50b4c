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

// PacketConn sends and receives datagrams. One task may read while others write, waiting in line as
// with a Conn. Errors are like those of a Conn, and leave the PacketConn usable.
type PacketConn struct {
	sock        *corolla.Socket
	read, write direction
}

// ListenPacket returns a PacketConn bound to an address; network is "udp", "udp4", "udp6" or
// "unixgram". Port 0 picks a free port, which LocalAddr returns.
func ListenPacket(l *corolla.Loop, network, address string, opts ...corolla.SocketOption) (*PacketConn, error) {
	s, err := l.ListenPacket(network, address, opts...)
	if err != nil {
		return nil, err
	}
	return NewPacketConn(s), nil
}

// NewPacketConn returns a PacketConn on a datagram socket, which it owns from then on.
func NewPacketConn(s *corolla.Socket) *PacketConn { return &PacketConn{sock: s} }

// DialPacket returns a PacketConn that sends only to one address, and receives only from it;
// network is "udp", "udp4", "udp6" or "unixgram".
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

// ReadFrom parks t until there is a datagram, which may be empty, and returns its sender's address.
// If the datagram is longer than b, the rest is lost and the error is io.ErrShortBuffer.
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

// WriteTo sends one datagram, which may be empty, to an address; nil means the peer of DialPacket.
// It parks t while the system accepts none.
func (c *PacketConn) WriteTo(t *corolla.Task, b []byte, to net.Addr) error {
	err := c.write.enter(t)
	if err == nil {
		err = c.send(t, b, to)
		c.write.end(t)
		err = cmp.Or(err, t.Checkpoint())
	}
	if err == errNoTurn {
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

// SetReadDeadline sets the time after which reads, including one that is already waiting, fail with
// os.ErrDeadlineExceeded. The zero time means never.
func (c *PacketConn) SetReadDeadline(when time.Time) error { return c.deadline(&c.read, when) }

// SetWriteDeadline does for writing what SetReadDeadline does for reading.
func (c *PacketConn) SetWriteDeadline(when time.Time) error { return c.deadline(&c.write, when) }

func (c *PacketConn) deadline(d *direction, when time.Time) error {
	c.sock.Loop().Check("aio.PacketConn.SetDeadline")
	if c.sock.Closed() {
		return wrap(c.sock, "set deadline", net.ErrClosed)
	}
	d.setDeadline(c.sock.Loop(), when)
	return nil
}

// Close closes the connection. Tasks waiting on it get net.ErrClosed.
func (c *PacketConn) Close() error {
	c.sock.Loop().Check("aio.PacketConn.Close")
	c.read.close()
	c.write.close()
	return c.sock.Close()
}

// LocalAddr returns the connection's own address, even after Close.
func (c *PacketConn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr returns the address given to DialPacket, or nil.
func (c *PacketConn) RemoteAddr() net.Addr { return c.sock.PeerAddr() }

// Socket returns the underlying socket.
func (c *PacketConn) Socket() *corolla.Socket { return c.sock }
