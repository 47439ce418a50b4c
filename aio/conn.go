// Package aio is I/O for tasks: calls that look blocking, but only park the task that makes them.
//
//	c, err := aio.Dial(t, "tcp", "127.0.0.1:7")
//	…
//	n, err := c.Read(t, buf)
//
// Every call that may wait takes the task, so suspension is visible in the code. An idle Conn holds
// no buffer: data is read straight into the caller's.
//
// Code that wants a net.Conn can have one of two: Conn.Bind, for use in one task, and Conn.NetConn,
// for use by other goroutines.
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

// Conn is a stream connection. One task may read while others write. Calls that write (Write,
// Flush, SendFile, WriteFiles, a SpliceTo into the connection, each piece of a Copy into it) wait
// in line, first in, first out, so each goes out whole and never interleaved with another; Close,
// an expired write deadline and a send error also end the wait. A second reader gets
// corolla.ErrBusy.
//
// Errors are *net.OpError and wrap what net's do: net.ErrClosed after Close, os.ErrDeadlineExceeded
// after a deadline, and otherwise the system's error. io.EOF, io.ErrUnexpectedEOF, corolla.ErrBusy
// and the task's own *corolla.CanceledError are returned unwrapped.
type Conn struct {
	stream      stream.Stream
	read, write direction
	in          []byte // received but not yet read: see ReadUntil
	limit       int
	once        func() // of OnceReadable, while TLS has to go on first
	closed      bool
	ending      bool // CloseWrite was called
	moved       bool // or unread, and OnceReadable was not called since: there may be what the socket does not know of
}

// NewConn returns a Conn on a connected socket, which it owns from then on.
func NewConn(s *corolla.Socket) *Conn {
	c := new(Conn)
	c.stream.Init(s, (*user)(c))
	return c
}

// user is a Conn as its stream sees it.
type user Conn

// Marks concerns only TLS that could not go on: a task that writes waits on the outbox.
func (u *user) Marks(above bool) {
	if !above {
		callOnce((*Conn)(u))
	}
}

// Over wakes the reader, since no answer will come. Writers hear of it from the outbox.
func (u *user) Over(error) {
	u.read.wake()
	if u.stream.Expired() != nil {
		u.write.wake()
	}
	callOnce((*Conn)(u))
}

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

// Read reads at most len(b) bytes, parking t until there is at least one. At the end of the stream
// it returns io.EOF; but if sending has failed, even of data that a Write had already accepted, it
// returns that error, since the peer may not have ended its stream.
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

// Receive parks t until data has arrived, and returns up to 64 KiB of it in a buffer of the loop's:
// the data is good until t next waits, for anything, or reads again, and t may modify it until
// then. A connection that waits in Receive holds no buffer. Write accepts all of it before it
// waits. In debug mode, data used too late is found overwritten. Errors are those of Read.
func (c *Conn) Receive(t *corolla.Task) ([]byte, error) {
	if err := c.read.begin(t, readable(c)); err != nil {
		return nil, err
	}
	var b []byte
	var err error
	if len(c.in) > 0 && !c.read.expired { // c is open: Close drops c.in
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

// readable reports whether a read may succeed without waiting.
func readable(c *Conn) bool {
	return len(c.in) > 0 || c.stream.HasTLS() || c.Socket().Readable()
}

// unreadable returns the error that stops a read even if data is there, or nil.
func unreadable(c *Conn) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.read.expired:
		return os.ErrDeadlineExceeded
	}
	return c.stream.Expired()
}

// take copies out data that has already arrived.
func take(c *Conn, b []byte) int {
	n := copy(b, c.in)
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	return n
}

// readSome reads, through TLS if it is on. Nothing else runs between its filling b and its return,
// so b may be the loop's scratch buffer.
//
// Most tasks spend most of their lives parked here, so the frames above are kept small: past 1 KB
// the stack would double.
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

// awaitData parks t until data may have arrived.
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

// Close closes the connection. What was written is still sent, as long as the peer takes some of it
// at least every 30 seconds. Tasks waiting on the connection get net.ErrClosed, as does a second
// Close.
func (c *Conn) Close() error {
	c.check("Close")
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	shut(c)
	if c.stream.Expired() != nil {
		return nil
	}
	return c.wrap("close", c.stream.Close())
}

// shut wakes every task that waits on the connection.
func shut(c *Conn) {
	c.closed, c.in = true, nil
	c.read.close()
	c.write.close()
	callOnce(c)
}

// Abort closes the connection at once: unsent data is dropped, and the peer sees a reset.
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

// SetReadDeadline sets the time after which reads, including one that is already waiting, fail with
// os.ErrDeadlineExceeded. The zero time means never. To limit a single call, use Task.Timeout.
func (c *Conn) SetReadDeadline(when time.Time) error { return deadline(c, &c.read, when) }

// SetWriteDeadline does for writing what SetReadDeadline does for reading. Data already accepted is
// sent all the same.
func (c *Conn) SetWriteDeadline(when time.Time) error { return deadline(c, &c.write, when) }

func deadline(c *Conn, d *direction, when time.Time) error {
	c.check("SetDeadline")
	if c.closed {
		return c.wrap("set deadline", net.ErrClosed)
	}
	d.setDeadline(c.Socket().Loop(), when)
	return nil
}

// check panics if called on a goroutine that does not run the loop.
func (c *Conn) check(method string) { c.Socket().Loop().Check("aio.Conn." + method) }

// Socket returns the underlying socket.
func (c *Conn) Socket() *corolla.Socket { return c.stream.Socket() }

// LocalAddr returns the connection's own address, even after Close.
func (c *Conn) LocalAddr() net.Addr { return c.Socket().LocalAddr() }

// RemoteAddr returns the peer's address, even after Close or a reset by the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.Socket().PeerAddr() }

func (c *Conn) wrap(op string, err error) error {
	if late := c.stream.Expired(); late != nil && !c.closed && errors.Is(err, net.ErrClosed) {
		err = late
	}
	return wrap(c.Socket(), op, err)
}

// wrap builds the error that net would. Addresses are looked up only here: when all goes well each
// would cost a system call.
func wrap(s *corolla.Socket, op string, err error) error {
	if err == nil || err == io.EOF || errors.Is(err, corolla.ErrCanceled) || errors.Is(err, corolla.ErrBusy) {
		return err
	}
	return &net.OpError{Op: op, Net: s.Network(), Source: s.LocalAddr(), Addr: s.PeerAddr(), Err: err}
}
