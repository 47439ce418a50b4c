package transport

import (
	"errors"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
)

// PacketProtocol is told what happens on a datagram socket: Opened once, Packet and Failed any
// number of times, and Closed once. (asyncio's DatagramProtocol.)
type PacketProtocol interface {
	// Opened is called before anything else.
	Opened(c *PacketConn)
	// Packet is called with a datagram, which may have no bytes and is good only until Packet
	// returns, and who sent it. If it panics, the error handler is told and the socket stays
	// open, as Twisted has it.
	Packet(c *PacketConn, b []byte, from net.Addr)
	// Failed is called with an error that leaves the socket as it is: one that was sent has
	// found nobody (ECONNREFUSED, where the socket is connected), the system has refused one
	// that had to wait, or one was longer than MaxPacket and is lost (ErrTooLong).
	Failed(c *PacketConn, err error)
	// Closed is called after Close. It is never called from within a call of a method.
	Closed(c *PacketConn)
}

// MaxPacket is the longest datagram that is received: 64 KiB, more than UDP's longest.
const MaxPacket = 64 << 10

// ErrTooLong is what Failed gets when a datagram was longer than MaxPacket.
var ErrTooLong = errors.New("transport: a datagram was too long, and is lost")

// MaxQueued is how many bytes of datagrams, and 64 more for each, wait to be sent, while the system
// takes none, before Write loses them: a datagram that comes late is seldom better than one that does not.
const MaxQueued = 256 << 10

// ErrQueueFull is returned by Write when a datagram was lost because too much waits already.
var ErrQueueFull = errors.New("transport: too many datagrams wait to be sent")

// PacketConn is the transport of a datagram socket.
type PacketConn struct {
	sock   *corolla.Socket
	proto  PacketProtocol
	queue  []packet
	size   int
	paused bool
	opened bool
	closed bool
}

type packet struct {
	data []byte
	to   net.Addr
}

// ListenPacket binds a datagram socket to an address on "udp", "udp4", "udp6" or "unixgram".
// Port 0 picks a free one.
func ListenPacket(l *corolla.Loop, network, address string, p PacketProtocol, opts ...corolla.SocketOption) (*PacketConn, error) {
	s, err := l.ListenPacket(network, address, opts...)
	if err != nil {
		return nil, err
	}
	return NewPacketConn(s, p), nil
}

// DialPacket makes a datagram socket that sends to an address alone, and hears from it alone.
// Names are looked up on another goroutine. The future gives its PacketConn, after Opened was
// called.
func DialPacket(l *corolla.Loop, network, address string, p PacketProtocol, opts ...corolla.SocketOption) *corolla.Future[*PacketConn] {
	result := corolla.NewFuture[*PacketConn](l)
	lookup := l.Resolve(network, address)
	var c *PacketConn
	result.OnCancel(func(cause error) {
		lookup.Cancel(cause)
		_ = result.Fail(&corolla.CanceledError{Cause: cause}) // it was pending
		if c != nil {
			c.Close()
		}
	})
	lookup.OnDone(func(f *corolla.Future[[]net.Addr]) {
		if result.Done() {
			return
		}
		addrs, err := f.Result()
		var s *corolla.Socket
		if err == nil {
			s, err = l.OpenPacket(nil, addrs[0], opts...)
		}
		if err != nil {
			_ = result.Fail(fmt.Errorf("dial %s: %w", address, err))
			return
		}
		c = NewPacketConn(s, p)
		l.Soon(func() { _ = result.Resolve(c) }) // or it was canceled
	})
	return result
}

// NewPacketConn makes a datagram socket, which it owns from then on, into one with a
// PacketProtocol, which gets Opened in the next turn.
func NewPacketConn(s *corolla.Socket, p PacketProtocol) *PacketConn {
	c := &PacketConn{sock: s, proto: p}
	s.Loop().Soon(func() {
		if c.closed {
			return
		}
		defer c.guard()
		c.opened = true
		c.proto.Opened(c)
		c.startReading()
	})
	return c
}

// guard is deferred around calls of the protocol.
func (c *PacketConn) guard() {
	if v := recover(); v != nil {
		c.sock.Loop().Recovered(v, fmt.Sprintf("protocol %T", c.proto))
	}
}

func (c *PacketConn) startReading() {
	if c.opened && !c.paused && !c.closed {
		c.Socket().OnReadable(c.readable)
	}
}

// maxPackets is how many datagrams are read before others have a turn.
const maxPackets = 32

func (c *PacketConn) readable() {
	for range maxPackets {
		if c.paused || c.closed || !c.readOne() {
			return
		}
	}
}

// readOne reports whether there was a datagram, or an error in its place.
func (c *PacketConn) readOne() bool {
	defer c.guard()
	b := c.sock.Loop().Scratch()[:MaxPacket]
	n, from, truncated, err := c.sock.TryReadFrom(b)
	switch {
	case err == corolla.ErrWouldBlock:
		return false
	case errors.Is(err, net.ErrClosed):
		c.Close()
		return false
	case truncated:
		c.proto.Failed(c, ErrTooLong)
	case err != nil:
		c.proto.Failed(c, fmt.Errorf("read: %w", err))
	default:
		c.proto.Packet(c, b[:n], from)
	}
	return true
}

// Write sends one datagram, which may have no bytes, to an address; nil is that of DialPacket.
// b may be reused at once. While the system takes none it waits in a queue. The error is
// net.ErrClosed after Close, ErrQueueFull, or the system's: EMSGSIZE for one that is too long.
func (c *PacketConn) Write(b []byte, to net.Addr) error {
	if c.closed {
		return fmt.Errorf("write to a socket that was closed: %w", net.ErrClosed)
	}
	if len(c.queue) == 0 {
		err := c.sock.TryWriteTo(b, to)
		if err == nil {
			return nil
		}
		if err != corolla.ErrWouldBlock {
			return fmt.Errorf("write: %w", err)
		}
		c.sock.OnWritable(c.writable)
	}
	if c.size+len(b)+perPacket > MaxQueued {
		return ErrQueueFull
	}
	c.size += len(b) + perPacket
	c.queue = append(c.queue, packet{append([]byte(nil), b...), to})
	return nil
}

func (c *PacketConn) writable() {
	defer c.guard()
	for len(c.queue) > 0 && !c.closed {
		next := c.queue[0]
		err := c.sock.TryWriteTo(next.data, next.to)
		if err == corolla.ErrWouldBlock {
			return
		}
		c.queue = c.queue[1:]
		c.size -= len(next.data) + perPacket
		if err != nil {
			c.proto.Failed(c, fmt.Errorf("write: %w", err))
		}
	}
	if !c.closed {
		c.queue = nil
		c.sock.OnWritable(nil)
	}
}

const perPacket = 64

// Buffered returns how many bytes of datagrams wait to be sent, as MaxQueued counts them.
func (c *PacketConn) Buffered() int { return c.size }

// PauseReading keeps Packet from being called until ResumeReading: the system keeps what it has
// room for, and loses the rest.
func (c *PacketConn) PauseReading() {
	c.paused = true
	c.Socket().OnReadable(nil)
}

// ResumeReading ends PauseReading.
func (c *PacketConn) ResumeReading() {
	c.paused = false
	c.startReading()
}

// Close closes the socket. Datagrams that wait to be sent are lost; Closed comes in a later
// turn. A second Close does nothing.
func (c *PacketConn) Close() {
	if c.closed {
		return
	}
	c.closed = true
	c.queue, c.size = nil, 0
	_ = c.sock.Close() // or it was closed underneath
	c.sock.Loop().Soon(func() {
		if c.opened {
			c.proto.Closed(c)
		}
	})
}

// Socket returns the socket underneath: for JoinGroup, say.
func (c *PacketConn) Socket() *corolla.Socket { return c.sock }

// LocalAddr returns the socket's own address, also after Close.
func (c *PacketConn) LocalAddr() net.Addr { return c.sock.LocalAddr() }
