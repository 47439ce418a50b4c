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
	// Packet is called with a datagram, which may be empty and is good only until Packet returns,
	// and its sender's address. A panic goes to the loop's error handler and the socket stays open,
	// as in Twisted.
	Packet(c *PacketConn, b []byte, from net.Addr)
	// Failed is called with an error that leaves the socket usable: no socket was there for a
	// datagram sent (ECONNREFUSED, if this socket is connected), the system refused one from the
	// queue, or one longer than MaxPacket arrived and was lost (ErrTooLong).
	Failed(c *PacketConn, err error)
	// Closed is called after Close, never from within one of the PacketConn's methods.
	Closed(c *PacketConn)
}

// MaxPacket is the longest datagram that can be received: 64 KiB, more than UDP allows.
const MaxPacket = 64 << 10

// ErrTooLong is what Failed gets for a datagram longer than MaxPacket.
var ErrTooLong = errors.New("transport: a datagram was too long and was lost")

// MaxQueued is how many bytes of datagrams, counting 64 more for each, may wait while the system
// accepts none, before Write drops any more: a late datagram is seldom better than a lost one.
const MaxQueued = 256 << 10

// ErrQueueFull is returned by Write when it drops a datagram because too many are waiting.
var ErrQueueFull = errors.New("transport: too many datagrams are waiting to be sent")

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

// DialPacket opens a datagram socket that sends only to one address, and receives only from it.
// Names are looked up on another goroutine. The future resolves to the PacketConn, after Opened was
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

// NewPacketConn turns a datagram socket, which it owns from then on, into a PacketConn whose
// protocol gets Opened in the next turn.
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

// guard is deferred around calls to the protocol.
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

// maxPackets is how many datagrams are read before others get a turn.
const maxPackets = 32

func (c *PacketConn) readable() {
	for range maxPackets {
		if c.paused || c.closed || !c.readOne() {
			return
		}
	}
}

// readOne reads one datagram. It reports whether there was one, or an error instead.
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

// Write sends one datagram, which may be empty, to an address; nil means the peer of DialPacket. b
// may be reused at once. While the system accepts none, datagrams wait in a queue. The error is
// net.ErrClosed after Close, ErrQueueFull, or the system's: EMSGSIZE for a datagram that is too
// long.
func (c *PacketConn) Write(b []byte, to net.Addr) error {
	if c.closed {
		return fmt.Errorf("write to a closed socket: %w", net.ErrClosed)
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

// Buffered returns how many bytes of datagrams are waiting, as MaxQueued counts them.
func (c *PacketConn) Buffered() int { return c.size }

// PauseReading stops calls to Packet until ResumeReading: the system keeps what it has room for,
// and drops the rest.
func (c *PacketConn) PauseReading() {
	c.paused = true
	c.Socket().OnReadable(nil)
}

// ResumeReading ends PauseReading.
func (c *PacketConn) ResumeReading() {
	c.paused = false
	c.startReading()
}

// Close closes the socket. Waiting datagrams are lost; Closed comes in a later turn. A second Close
// does nothing.
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

// Socket returns the underlying socket, for JoinGroup, say.
func (c *PacketConn) Socket() *corolla.Socket { return c.sock }

// LocalAddr returns the socket's own address, even after Close.
func (c *PacketConn) LocalAddr() net.Addr { return c.sock.LocalAddr() }
