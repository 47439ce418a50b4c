// Package aio is input and output in the style of tasks: calls that look blocking,
// and park the task that makes them.
//
//	c, err := aio.Dial(t, "tcp", "127.0.0.1:7")
//	…
//	n, err := c.Read(t, buf)
//
// What waits takes the task, so suspension is visible in the code. A Conn holds no
// buffer: reading goes straight into the caller's.
package aio

import (
	"errors"
	"io"
	"net"

	"github.com/corolla-go/corolla"
)

// Conn is a stream connection. One task may read and another write at the same
// time; a second reader, or writer, gets corolla.ErrBusy.
//
// Errors are *net.OpError and wrap what net's own do: net.ErrClosed after Close,
// the system's error otherwise. io.EOF, and the task's own *corolla.CanceledError,
// are returned bare.
type Conn struct {
	sock        *corolla.Socket
	read, write side
}

// side is one direction of a connection.
type side struct {
	busy bool
	run  int // operations in a row that did not have to wait
}

// maxRun is how many operations a task may do without waiting before others have a turn:
// a peer that is never late must not have the loop for itself.
const maxRun = 64

// begin claims the direction for one call.
func (d *side) begin(t *corolla.Task) error {
	if d.busy {
		return corolla.ErrBusy
	}
	d.busy = true
	if d.run++; d.run < maxRun {
		return nil
	}
	d.run = 0
	err := t.Yield()
	d.busy = err == nil
	return err
}

func (d *side) end() { d.busy = false }

// NewConn makes a Conn of a connected socket, which it owns from then on.
func NewConn(s *corolla.Socket) *Conn { return &Conn{sock: s} }

// Dial connects to an address on "tcp", "tcp4", "tcp6" or "unix".
func Dial(t *corolla.Task, network, address string) (*Conn, error) {
	f := t.Loop().Dial(network, address)
	s, err := f.Await(t)
	if err != nil {
		f.OnDone(func(f *corolla.Future[*corolla.Socket]) { // connected, but t was canceled
			if s, err := f.Result(); err == nil {
				_ = s.Close() // never used
			}
		})
		return nil, err
	}
	return NewConn(s), nil
}

// Read reads at most len(b) bytes, parking t until there is at least one. At the end
// of the stream it returns io.EOF.
func (c *Conn) Read(t *corolla.Task, b []byte) (int, error) {
	if err := c.read.begin(t); err != nil {
		return 0, err
	}
	defer c.read.end()
	for {
		n, err := c.sock.TryRead(b)
		if err == corolla.ErrWouldBlock {
			c.read.run = 0
			if err = c.sock.WaitReadable(t); err == nil {
				continue
			}
		}
		return n, c.wrap("read", err)
	}
}

// Write writes all of b, parking t while the connection takes no more. It returns
// how much was written, which is less than len(b) only with an error.
func (c *Conn) Write(t *corolla.Task, b []byte) (written int, err error) {
	if err := c.write.begin(t); err != nil {
		return 0, err
	}
	defer c.write.end()
	for {
		n, err := c.sock.TryWrite(b[written:])
		if written += n; err == nil && written == len(b) {
			return written, nil
		}
		if err == nil || err == corolla.ErrWouldBlock {
			c.write.run = 0
			err = c.sock.WaitWritable(t)
		}
		if err != nil {
			return written, c.wrap("write", err)
		}
	}
}

// CloseWrite ends the stream to the peer. Reading goes on.
func (c *Conn) CloseWrite() error { return c.wrap("close", c.sock.CloseWrite()) }

// Close closes the connection. Tasks that wait for it get net.ErrClosed, as does a
// second Close.
func (c *Conn) Close() error { return c.wrap("close", c.sock.Close()) }

// Socket returns the socket underneath.
func (c *Conn) Socket() *corolla.Socket { return c.sock }

// LocalAddr returns the connection's own address, or nil after Close.
func (c *Conn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr returns the address of the peer, or nil after Close.
func (c *Conn) RemoteAddr() net.Addr { return c.sock.PeerAddr() }

func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF || errors.Is(err, corolla.ErrCanceled) || errors.Is(err, corolla.ErrBusy) {
		return err
	}
	return opError(c.sock, op, err)
}

// opError makes the error that net would. Addresses are asked for here only: on
// the way of success they would cost a system call each.
func opError(s *corolla.Socket, op string, err error) error {
	e := &net.OpError{Op: op, Net: "tcp", Err: err}
	if e.Source = s.LocalAddr(); e.Source != nil {
		e.Net = e.Source.Network()
	}
	e.Addr = s.PeerAddr()
	return e
}
