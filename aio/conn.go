// Package aio is input and output in the style of tasks: calls that look blocking,
// and park the task that makes them.
//
//	c, err := aio.Dial(t, "tcp", "127.0.0.1:7")
//	…
//	n, err := c.Read(t, buf)
//
// What waits takes the task, so suspension is visible in the code. A Conn that is idle
// holds no buffer: reading goes straight into the caller's.
//
// Code that wants a net.Conn is given one of two: Conn.Bind, for code that runs in one task,
// and Conn.NetConn, which any goroutine may use.
package aio

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Conn is a stream connection. One task may read while others write. What writes (Write, Flush,
// SendFile, WriteFiles, Splice to the connection, each piece of a Copy to it) waits in line, first
// in, first out, so each is whole and unmixed with others; Close, a write deadline that passes and
// an error in sending end the wait too. A second reader gets corolla.ErrBusy.
//
// Errors are *net.OpError and wrap what net's own do: net.ErrClosed after Close,
// os.ErrDeadlineExceeded after a deadline, the system's error otherwise. io.EOF and
// io.ErrUnexpectedEOF, corolla.ErrBusy, and the task's own *corolla.CanceledError, are returned
// bare.
type Conn struct {
	stream      stream.Stream
	read, write side
	in          []byte // arrived, and read by nobody yet: see ReadUntil
	limit       int
	closed      bool
	ending      bool // CloseWrite was called
}

// NewConn makes a Conn of a connected socket, which it owns from then on.
func NewConn(s *corolla.Socket) *Conn {
	c := new(Conn)
	c.stream.Init(s, (*user)(c))
	return c
}

// user is a Conn as its stream sees it.
type user Conn

// Marks has nobody to tell: who writes waits for the outbox.
func (u *user) Marks(bool) {}

// Over wakes who waits for an answer, for there will be none; who writes hears from the outbox.
func (u *user) Over(error) { u.read.wake() }

// Dial connects to an address on "tcp", "tcp4", "tcp6" or "unix".
func Dial(t *corolla.Task, network, address string, opts ...corolla.SocketOption) (*Conn, error) {
	f := t.Loop().Dial(network, address, opts...)
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
// of the stream it returns io.EOF; but if sending has failed, be it in what a Write had only taken, it
// is that error, for the peer may not have ended its stream.
func (c *Conn) Read(t *corolla.Task, b []byte) (int, error) {
	if err := c.read.begin(t, readable(c)); err != nil {
		return 0, err
	}
	n, err := 0, unreadable(c)
	switch {
	case err != nil:
	case len(c.in) > 0 && len(b) > 0:
		n = take(c, b)
	default:
		n, err = readSome(c, t, b)
	}
	c.read.end(t) // not deferred: see readSome
	if err != nil {
		err = c.wrap("read", err)
	}
	return n, err
}

// Receive parks t until something has arrived, at most 64 KiB of it, and returns that in the loop's
// memory: it is good until t next waits, for anything, or reads again, and may be written to until
// then. A connection that waits in Receive holds no buffer. Write takes all of it before it waits. In debug
// mode what is used too late is found overwritten. Errors are Read's.
func (c *Conn) Receive(t *corolla.Task) ([]byte, error) {
	if err := c.read.begin(t, readable(c)); err != nil {
		return nil, err
	}
	var b []byte
	var err error
	if len(c.in) > 0 && !c.read.expired { // c is open, for Close drops what has arrived
		b, c.in = c.in, nil
	} else {
		b, err = receive(c, t)
	}
	c.read.end(t) // not deferred: see readSome
	return b, c.wrap("read", err)
}

func receive(c *Conn, t *corolla.Task) ([]byte, error) {
	b := t.Loop().Scratch()
	n, err := readSome(c, t, b)
	return b[:n], err
}

// readable reports whether reading may find something at once.
func readable(c *Conn) bool {
	return len(c.in) > 0 || c.stream.HasTLS() || c.Socket().Readable()
}

// unreadable says why nothing can be read any more, be it there already.
func unreadable(c *Conn) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.read.expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// take gives what has arrived already.
func take(c *Conn, b []byte) int {
	n := copy(b, c.in)
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	return n
}

// readSome reads, through TLS if there is TLS. Nothing else runs between the moment when it
// puts something into b and its return, so b may be the loop's scratch buffer.
//
// Most tasks are parked here for most of their lives, so what is on the stack above is kept
// small: with more than 1 KB the stack would be twice as large.
func readSome(c *Conn, t *corolla.Task, b []byte) (int, error) {
	for {
		if err := unreadable(c); err != nil {
			return 0, err
		}
		n, err := c.stream.TryRead(b)
		if err != corolla.ErrWouldBlock {
			return n, err
		}
		if err := awaitData(c, t); err != nil {
			return 0, err
		}
	}
}

// awaitData parks t until something may have arrived.
func awaitData(c *Conn, t *corolla.Task) error {
	if err := c.stream.Err(); err != nil {
		return err
	}
	switch {
	case !c.stream.HasTLS():
	case c.stream.Handshaking():
		return t.Park("a TLS handshake")
	case c.stream.Flooded():
		return c.stream.Outbox().Wait(t)
	}
	return c.Socket().WaitReadable(t)
}

// Close closes the connection. What was written is still sent, for as long as the peer takes
// something of it at least every 30 seconds. Tasks that wait for the connection get net.ErrClosed, as
// does a second Close.
func (c *Conn) Close() error {
	c.check("Close")
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	shut(c)
	return c.wrap("close", c.stream.Close())
}

// shut ends whatever waits for the connection.
func shut(c *Conn) {
	c.closed, c.in = true, nil
	c.read.close()
	c.write.close()
}

// Abort closes the connection at once: what was not sent is dropped, and the peer sees a
// reset.
func (c *Conn) Abort() error {
	c.check("Abort")
	if c.Socket().Closed() {
		return c.wrap("abort", net.ErrClosed)
	}
	shut(c)
	return c.wrap("abort", c.stream.End(true))
}

// SetDeadline sets both deadlines; see SetReadDeadline.
func (c *Conn) SetDeadline(when time.Time) error {
	return errors.Join(c.SetReadDeadline(when), c.SetWriteDeadline(when))
}

// SetReadDeadline sets the time from which on reading, also by a task that waits already,
// fails with os.ErrDeadlineExceeded. The zero time is never. A limit for one call is
// Task.Timeout.
func (c *Conn) SetReadDeadline(when time.Time) error { return deadline(c, &c.read, when) }

// SetWriteDeadline does for writing what SetReadDeadline does for reading. What was taken
// to be sent is sent all the same.
func (c *Conn) SetWriteDeadline(when time.Time) error { return deadline(c, &c.write, when) }

func deadline(c *Conn, d *side, when time.Time) error {
	c.check("SetDeadline")
	if c.closed {
		return c.wrap("set deadline", net.ErrClosed)
	}
	d.setDeadline(c.Socket().Loop(), when)
	return nil
}

// check panics if a goroutine that does not run the loop calls.
func (c *Conn) check(method string) { c.Socket().Loop().Check("aio.Conn." + method) }

// Socket returns the socket underneath.
func (c *Conn) Socket() *corolla.Socket { return c.stream.Socket() }

// LocalAddr returns the connection's own address, also after Close.
func (c *Conn) LocalAddr() net.Addr { return c.Socket().LocalAddr() }

// RemoteAddr returns the address of the peer, also after Close, and when the peer has reset the
// connection.
func (c *Conn) RemoteAddr() net.Addr { return c.Socket().PeerAddr() }

func (c *Conn) wrap(op string, err error) error { return wrap(c.Socket(), op, err) }

// wrap makes the error that net would. Addresses are asked for here only: on the way of
// success they would cost a call to the system each.
func wrap(s *corolla.Socket, op string, err error) error {
	if err == nil || err == io.EOF || errors.Is(err, corolla.ErrCanceled) || errors.Is(err, corolla.ErrBusy) {
		return err
	}
	return &net.OpError{Op: op, Net: s.Network(), Source: s.LocalAddr(), Addr: s.PeerAddr(), Err: err}
}
