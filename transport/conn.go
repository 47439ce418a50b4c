// Package transport is I/O in push style: a Protocol is told what happens on its connection, and
// answers through it. (asyncio's protocols and transports, which come from Twisted's.)
//
// Everything here belongs to the loop's goroutine.
package transport

import (
	"errors"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Protocol is told what happens on one connection: Opened once, Data any number of times, and
// Closed once. It may implement EOFReceiver, WritePauser, Buffered and FileReceiver as well. A
// connection still open when its loop is closed is dropped without a call to Closed.
type Protocol interface {
	// Opened is called when the connection is established, before anything else.
	Opened(c *Conn)
	// Data is called with bytes that have arrived: at least one, and good only until Data returns.
	// If it or any other method of a protocol panics, the connection is reset and Closed gets the
	// *corolla.PanicError.
	Data(c *Conn, b []byte)
	// Closed is called when the connection has ended: with nil after the end of the stream or
	// Close, with ErrAborted after Abort, and otherwise with the reason. It is never called from
	// within one of the Conn's methods, nor without Opened before it.
	Closed(c *Conn, err error)
}

// ErrAborted is what Closed gets after Abort: what was written may not have arrived. It wraps
// net.ErrClosed.
var ErrAborted = fmt.Errorf("transport: the connection was aborted: %w", net.ErrClosed)

// EOFReceiver is a Protocol that wants to know when the peer has ended its stream. Without it the
// connection is then closed, once buffered data is sent.
type EOFReceiver interface {
	// EOF is called once. If it returns true, the connection stays open for writing.
	EOF(c *Conn) (keepOpen bool)
}

// WritePauser is a Protocol that wants to know when the peer cannot keep up with what is written.
type WritePauser interface {
	// PauseWriting is called, within the Write that causes it, when more than the high water mark
	// is buffered.
	PauseWriting(c *Conn)
	// ResumeWriting is called when the buffer is down to the low water mark.
	ResumeWriting(c *Conn)
}

// Buffered is a Protocol that supplies the buffer for incoming data, instead of getting it through
// Data.
type Buffered interface {
	// Buffer returns the buffer for incoming data. It must not be empty.
	Buffer(c *Conn) []byte
	// Filled is called when n bytes, at least one, have been read into it.
	Filled(c *Conn, n int)
}

// Conn is the transport of one connection.
type Conn struct {
	stream stream.Stream
	proto  Protocol
	err    error       // for Closed; set before the end if Close is to report one
	prod   *production // nil if none
	over   func()      // tells others of the end; nil if there are none
	state  state
}

// state is a set of flags.
type state uint16

const (
	opened  state = 1 << iota // Opened was called
	paused                    // PauseReading was called
	gotEOF                    // the peer has ended its stream
	shut                      // CloseWrite was called
	closing                   // Close was called: no more is read, or accepted to write
	lost                      // Closed was called, or will be next
	away                      // a splice has the reading side
	reading                   // a read of decrypted TLS data is scheduled
	told                      // the protocol and others know of the end
	above                     // the protocol was told of the high water mark
)

func (c *Conn) is(s state) bool { return c.state&s != 0 }

// New turns a connected socket into a connection with a Protocol, which gets Opened in the next
// turn and Data from the turn after that.
func New(s *corolla.Socket, p Protocol) *Conn {
	c := connect(s, p)
	c.openSoon()
	return c
}

func connect(s *corolla.Socket, p Protocol) *Conn {
	c := &Conn{proto: p}
	c.stream.Init(s, (*user)(c))
	return c
}

func (c *Conn) openSoon() { c.loop().Soon(func() { open(c) }) }

func open(c *Conn) {
	if c.is(lost) {
		return
	}
	defer c.guard()
	c.state |= opened
	c.loop().Soon(func() { startReading(c) })
	c.proto.Opened(c)
}

// guard is deferred around calls to the protocol.
func (c *Conn) guard() {
	if v := recover(); v != nil {
		c.stream.Outbox().Uncork()
		c.end(c.loop().Recovered(v, fmt.Sprintf("protocol %T of %v", c.proto, c)), true)
	}
}

// user is a Conn as its stream sees it.
type user Conn

// Marks tells the protocol, and a producer, that a water mark was crossed.
func (u *user) Marks(high bool) {
	c := (*Conn)(u)
	if !high && c.stream.HasTLS() {
		startReading(c) // it stopped when TLS was flooded
	}
	defer c.guard() // for a Write made outside the protocol's callbacks
	c.prod.mark(high)
	if c.stream.Above() == c.is(above) { // what the producer wrote has crossed the other mark
		return
	}
	c.state ^= above
	p, ok := c.proto.(WritePauser)
	switch {
	case !ok || c.is(lost):
	case c.is(above):
		p.PauseWriting(c)
	default:
		p.ResumeWriting(c)
	}
}

// Over ends the connection; Closed follows in the next turn.
func (u *user) Over(err error) {
	c := (*Conn)(u)
	if c.stream.Pair() && c.stream.Err() != nil && c.stream.Expired() == nil && !c.is(closing|gotEOF) {
		deaf(c, err)
		return
	}
	c.end(err, false)
}

// Write sends b, which may be reused at once. What cannot be sent now is buffered, without limit; a
// WritePauser is told when there is too much. The error is net.ErrClosed after Close or CloseWrite,
// and once the connection is lost.
func (c *Conn) Write(b []byte) error {
	err := c.writable()
	if err == nil {
		_ = c.stream.Write(b) // Closed reports a failure, now or later
	}
	return err
}

// WriteBatch is Write for several pieces, sent in one system call if possible.
func (c *Conn) WriteBatch(bufs ...[]byte) error {
	err := c.writable()
	if err == nil {
		_ = c.stream.WriteBatch(bufs)
	}
	return err
}

func (c *Conn) writable() error {
	if c.is(lost) || c.is(closing|shut) && c.prod == nil { // a producer may still write
		return fmt.Errorf("write to a closed connection: %w", net.ErrClosed)
	}
	return nil
}

// SetWriteMarks sets the water marks for buffered data, in bytes; the defaults are 16 KiB and 64
// KiB. A negative mark follows from the other: high is four times low. It panics if low is above
// high.
func (c *Conn) SetWriteMarks(low, high int) { c.stream.SetMarks(low, high) }

// Buffered returns how many bytes are written but not yet sent.
func (c *Conn) Buffered() int { return c.stream.Len() }

// CloseWrite ends the stream to the peer once buffered data is sent. Reading goes on; writing is
// over. A second CloseWrite does nothing.
func (c *Conn) CloseWrite() {
	if c.is(shut | closing | lost) {
		return
	}
	c.state |= shut
	afterProduction(c, func() {
		c.stream.CloseWrite(func(err error) {
			if err != nil {
				c.end(fmt.Errorf("close write: %w", err), false)
			} else if c.is(gotEOF) {
				c.Close()
			}
		})
	})
}

// Close sends what is buffered, and what a registered producer still writes, and then closes. Data
// is no longer called, and Closed comes in a later turn: with a *corolla.TimeoutError if the peer
// takes none of the buffered data for 30 seconds. A second Close does nothing.
func (c *Conn) Close() {
	if c.is(closing) {
		return
	}
	c.state |= closing
	c.Socket().OnReadable(nil)
	c.stream.StopSplice()
	afterProduction(c, func() { _ = c.stream.Close() }) // Over reports the outcome
}

// Abort closes at once: buffered data is dropped, the peer sees a reset, and Closed gets
// ErrAborted.
func (c *Conn) Abort() { c.end(ErrAborted, true) }

// end ends the connection for good; Closed follows in the next turn, or once a handshake has ended.
// A reset keeps the peer from taking part of a stream for the whole.
func (c *Conn) end(err error, reset bool) {
	if c.is(lost) {
		return
	}
	c.state |= lost | closing
	if e := c.stream.End(reset); e != nil && !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	if err != nil {
		c.err = err
	}
	c.stream.AfterHandshake(func() { afterUntil(c) })
	stopProduction(c) // last, since it may panic
}

func closed(c *Conn) {
	defer tellOver(c) // even if Closed panics
	if c.is(opened) {
		defer c.guard()
		c.proto.Closed(c, c.err)
	}
}

// Protocol returns the connection's protocol.
func (c *Conn) Protocol() Protocol { return c.proto }

// SetProtocol replaces the connection's protocol. The new one gets no Opened: that has already
// happened.
func (c *Conn) SetProtocol(p Protocol) { c.proto = p }

// Socket returns the underlying socket.
func (c *Conn) Socket() *corolla.Socket { return c.stream.Socket() }

func (c *Conn) loop() *corolla.Loop { return c.Socket().Loop() }

// LocalAddr returns the connection's own address, even once it is closed.
func (c *Conn) LocalAddr() net.Addr { return c.Socket().LocalAddr() }

// RemoteAddr returns the peer's address, even once the connection is closed or the peer has reset
// it.
func (c *Conn) RemoteAddr() net.Addr { return c.Socket().PeerAddr() }

// String describes the connection, for reports: its network and both addresses.
func (c *Conn) String() string { return c.stream.String() }
