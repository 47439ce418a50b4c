// Package transport is input and output in push style: a Protocol is told what
// happens on its connection, and answers through it. (asyncio's protocols and
// transports, which come from Twisted's.)
//
// Everything here belongs to the loop's goroutine.
package transport

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/corolla-go/corolla"
)

// Protocol is told what happens on one connection: Opened once, Data any number of
// times, and Closed once.
type Protocol interface {
	// Opened is called when the connection is there, and before anything else.
	Opened(c *Conn)
	// Data is called with bytes that have arrived: at least one, and good only
	// until Data returns. If it panics, the connection is aborted and Closed gets
	// the *corolla.PanicError.
	Data(c *Conn, b []byte)
	// Closed is called when the connection has ended: with nil after the end of
	// the stream, Close or Abort, and otherwise with the reason. It is never called
	// from within a call of one of the Conn's methods, nor without an Opened before.
	Closed(c *Conn, err error)
}

// Conn is the transport of one connection.
type Conn struct {
	sock    *corolla.Socket
	proto   Protocol
	out     []byte // written and not yet sent
	opened  bool   // Opened was called
	closing bool   // no more is read or taken to write
	lost    bool   // Closed was called, or will be next
	onLost  func()
}

// New makes a connected socket into a connection with a Protocol, which gets Opened
// in the next turn and Data from the turn after that.
func New(s *corolla.Socket, p Protocol) *Conn {
	c := &Conn{sock: s, proto: p}
	s.Loop().Soon(c.open)
	return c
}

func (c *Conn) open() {
	if c.closing {
		return
	}
	defer c.guard()
	c.opened = true
	c.sock.Loop().Soon(c.startReading)
	c.proto.Opened(c)
}

func (c *Conn) startReading() {
	if !c.closing {
		c.sock.OnReadable(c.readable)
	}
}

// guard is deferred around calls of the protocol.
func (c *Conn) guard() {
	if v := recover(); v != nil {
		c.lose(c.sock.Loop().Recovered(v, fmt.Sprintf("protocol %T", c.proto)))
	}
}

// readable reads once. What is left brings another call in the next turn, so that
// a peer that never stops sending has its share and no more.
func (c *Conn) readable() {
	b := c.sock.Loop().Scratch()
	n, err := c.sock.TryRead(b)
	switch {
	case err == corolla.ErrWouldBlock:
	case err == io.EOF:
		c.Close()
	case err != nil:
		c.lose(fmt.Errorf("read: %w", err))
	default:
		defer c.guard()
		c.proto.Data(c, b[:n])
	}
}

// Write sends b, which may be reused at once. What cannot be sent now is buffered.
// After Close, and once the connection is lost, it returns net.ErrClosed.
func (c *Conn) Write(b []byte) error {
	if c.closing || c.lost {
		return fmt.Errorf("write to a closed connection: %w", net.ErrClosed)
	}
	if len(c.out) == 0 {
		n, err := c.sock.TryWrite(b)
		if err != nil && err != corolla.ErrWouldBlock {
			c.lose(fmt.Errorf("write: %w", err))
			return nil // Closed tells, as for a write that fails later
		}
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		c.sock.OnWritable(c.writable)
	}
	c.out = append(c.out, b...)
	return nil
}

func (c *Conn) writable() {
	n, err := c.sock.TryWrite(c.out)
	if err != nil && err != corolla.ErrWouldBlock {
		c.lose(fmt.Errorf("write: %w", err))
		return
	}
	if c.out = c.out[n:]; len(c.out) > 0 {
		return
	}
	c.out = nil // an idle connection holds no buffer
	c.sock.OnWritable(nil)
	if c.closing {
		c.lose(nil)
	}
}

// Buffered returns how many bytes were written and not yet sent.
func (c *Conn) Buffered() int { return len(c.out) }

// Close sends what is buffered and then closes. No Data comes any more, and
// Closed comes in a later turn. A second Close does nothing.
func (c *Conn) Close() {
	if c.closing {
		return
	}
	c.closing = true
	c.sock.OnReadable(nil)
	if len(c.out) == 0 {
		c.lose(nil)
	}
}

// Abort closes at once and drops what is buffered.
func (c *Conn) Abort() { c.lose(nil) }

// lose ends the connection; Closed follows in the next turn.
func (c *Conn) lose(err error) {
	if c.lost {
		return
	}
	c.lost, c.closing = true, true
	c.out = nil
	if e := c.sock.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	c.sock.Loop().Soon(func() {
		if c.onLost != nil {
			defer c.onLost()
		}
		if c.opened {
			c.proto.Closed(c, err)
		}
	})
}

// Socket returns the socket underneath.
func (c *Conn) Socket() *corolla.Socket { return c.sock }

// LocalAddr returns the connection's own address, or nil once it is closed.
func (c *Conn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr returns the address of the peer, or nil once it is closed.
func (c *Conn) RemoteAddr() net.Addr { return c.sock.PeerAddr() }
