// Package transport is input and output in push style: a Protocol is told what happens on
// its connection, and answers through it. (asyncio's protocols and transports, which come
// from Twisted's.)
//
// Everything here belongs to the loop's goroutine.
package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Protocol is told what happens on one connection: Opened once, Data any number of times,
// and Closed once. It may implement EOFReceiver, WritePauser, Buffered and FileReceiver as well. A
// connection that is open when its loop is closed is dropped without a word.
type Protocol interface {
	// Opened is called when the connection is there, and before anything else.
	Opened(c *Conn)
	// Data is called with bytes that have arrived: at least one, and good only until Data
	// returns. If it panics, as if any other of a protocol's methods does, the connection is
	// reset and Closed gets the *corolla.PanicError.
	Data(c *Conn, b []byte)
	// Closed is called when the connection has ended: with nil after the end of the stream or
	// Close, with ErrAborted after Abort, and otherwise with the reason. It is never called from
	// within a call of one of the Conn's methods, nor without an Opened before.
	Closed(c *Conn, err error)
}

// ErrAborted is what Closed gets after Abort: what was written may not have arrived. It wraps
// net.ErrClosed.
var ErrAborted = fmt.Errorf("transport: the connection was aborted: %w", net.ErrClosed)

// EOFReceiver is a Protocol that wants to know when the peer has ended its stream. Without
// it the connection is closed then, after what is buffered is sent.
type EOFReceiver interface {
	// EOF is called once. If it returns true, the connection stays open for writing.
	EOF(c *Conn) (keepOpen bool)
}

// WritePauser is a Protocol that wants to know when the peer takes less than is written.
type WritePauser interface {
	// PauseWriting is called, within the Write that does it, when more than the high water
	// mark is buffered.
	PauseWriting(c *Conn)
	// ResumeWriting is called when it is down to the low water mark.
	ResumeWriting(c *Conn)
}

// Buffered is a Protocol that has data put into a buffer of its own, instead of getting it
// by Data.
type Buffered interface {
	// Buffer returns where to put what arrives. It must not be empty.
	Buffer(c *Conn) []byte
	// Filled is called when n bytes, at least one, were put there.
	Filled(c *Conn, n int)
}

// Conn is the transport of one connection.
type Conn struct {
	sock  *corolla.Socket
	proto Protocol
	out   corolla.Outbox
	err   error // for Closed
	rare  *rare // nil is none of it
	prod  *production
	tls   *security // nil is none
	state state
}

// state is a set of flags.
type state uint16

const (
	opened   state = 1 << iota // Opened was called
	paused                     // PauseReading was
	gotEOF                     // the peer has ended its stream
	shut                       // CloseWrite was called
	closing                    // Close was: no more is read, or taken to write
	lost                       // Closed was called, or will be next
	away                       // another has the reading side
	wasAbove                   // the high water mark, and the protocol was told
)

func (c *Conn) is(s state) bool { return c.state&s != 0 }

// New makes a connected socket into a connection with a Protocol, which gets Opened in the
// next turn and Data from the turn after that.
func New(s *corolla.Socket, p Protocol) *Conn {
	c := connect(s, p)
	s.Loop().Soon(c.open)
	return c
}

func connect(s *corolla.Socket, p Protocol) *Conn {
	c := &Conn{sock: s, proto: p}
	c.out.Init(s, c.writeFailed)
	c.out.OnMarks(func(bool) { c.crossed() })
	return c
}

func (c *Conn) open() {
	if c.is(lost) {
		return
	}
	defer c.guard()
	c.state |= opened
	c.sock.Loop().Soon(c.startReading)
	c.proto.Opened(c)
}

func (c *Conn) startReading() {
	if c.is(closing|paused|gotEOF|away) || c.tls != nil && !c.tls.layer.Ready() {
		return
	}
	c.sock.OnReadable(c.readable)
	if c.tls != nil {
		c.readSoon()
	}
}

// guard is deferred around calls of the protocol.
func (c *Conn) guard() {
	if v := recover(); v != nil {
		c.out.Uncork()
		c.reset(c.sock.Loop().Recovered(v, fmt.Sprintf("protocol %T of %v", c.proto, c)))
	}
}

// readable reads once. What is left brings another call in the next turn, so that a peer
// that never stops sending has its share and no more. What the protocol writes meanwhile
// leaves together.
func (c *Conn) readable() {
	switch {
	case c.tls == nil:
		defer c.guard()
		c.readOnce(c.sock.TryRead)
	case !c.tls.reading: // else it will be read in this turn anyway
		c.readRecords()
	}
}

// readOnce reads once and tells the protocol. It reports whether there was something.
func (c *Conn) readOnce(read func([]byte) (int, error)) bool {
	own, isBuffered := c.proto.(Buffered)
	var b []byte
	if isBuffered {
		if b = own.Buffer(c); len(b) == 0 {
			panic("transport: Buffer returned an empty buffer")
		}
		if c.is(paused | closing | lost | away) { // by Buffer
			return false
		}
	} else {
		b = c.sock.Loop().Scratch()
	}
	var files []*os.File
	receiver, isReceiver := c.proto.(FileReceiver)
	n, err := 0, error(nil)
	isReceiver = isReceiver && c.tls == nil
	if isReceiver {
		n, files, err = c.sock.TryReadFiles(b)
	} else {
		n, err = read(b)
	}
	switch {
	case err == corolla.ErrWouldBlock:
	case err == io.EOF:
		c.eof()
	case err != nil:
		c.lose(fmt.Errorf("read: %w", err))
	default:
		c.active()
		c.out.Cork()
		switch {
		case isReceiver:
			receiver.Files(c, b[:n], files)
		case isBuffered:
			own.Filled(c, n)
		default:
			c.proto.Data(c, b[:n])
		}
		c.out.Uncork()
	}
	return err == nil
}

func (c *Conn) eof() {
	c.state |= gotEOF
	c.sock.OnReadable(nil)
	if p, ok := c.proto.(EOFReceiver); ok && p.EOF(c) {
		if c.is(shut) {
			c.Close() // both sides have ended
		}
		return
	}
	c.Close()
}

// Write sends b, which may be reused at once. What cannot be sent now is buffered, without
// limit: a WritePauser is told when it is much. The error is net.ErrClosed after Close or
// CloseWrite and once the connection is lost.
func (c *Conn) Write(b []byte) error {
	if err := c.writable(); err != nil {
		return err
	}
	c.send(b)
	return nil
}

// WriteBatch is Write of several pieces, which leave in one call to the system if they can.
func (c *Conn) WriteBatch(bufs ...[]byte) error {
	if err := c.writable(); err != nil {
		return err
	}
	if c.tls != nil {
		c.send(slices.Concat(bufs...))
		return nil
	}
	_ = c.out.WriteBatch(bufs)
	return nil
}

func (c *Conn) writable() error {
	if c.is(lost) || c.is(closing|shut) && c.prod == nil { // what a producer still has is sent
		return fmt.Errorf("write to a connection that was closed: %w", net.ErrClosed)
	}
	c.active()
	return nil
}

func (c *Conn) writeFailed(err error) { c.lose(fmt.Errorf("write: %w", err)) }

func (c *Conn) marks(above bool) {
	if c.is(wasAbove) == above {
		return
	}
	c.state ^= wasAbove
	defer c.guard() // for a Write that no callback of the protocol makes
	c.produce(above)
	p, ok := c.proto.(WritePauser)
	switch {
	case !ok || c.is(lost):
	case above:
		p.PauseWriting(c)
	default:
		p.ResumeWriting(c)
	}
}

// SetWriteMarks sets the water marks of what is buffered, in bytes: 16 KiB and 64 KiB unless
// set. One that is less than 0 follows from the other: high is four times low. It panics
// if low is above high.
func (c *Conn) SetWriteMarks(low, high int) {
	c.out.SetMarks(low, high)
	c.crossed()
}

// Buffered returns how many bytes were written and not yet sent.
func (c *Conn) Buffered() int {
	if c.tls != nil {
		return c.out.Len() + c.tls.size
	}
	return c.out.Len()
}

// PauseReading keeps Data from being called until ResumeReading. Doing it twice is doing it
// once.
func (c *Conn) PauseReading() {
	c.state |= paused
	c.sock.OnReadable(nil)
}

// ResumeReading ends PauseReading.
func (c *Conn) ResumeReading() {
	if c.is(paused) {
		c.state &^= paused
		if c.is(opened) {
			c.startReading()
		}
	}
}

// CloseWrite ends the stream to the peer once what is buffered is sent. Reading goes on;
// writing is over. A second CloseWrite does nothing.
func (c *Conn) CloseWrite() {
	if c.is(shut | closing | lost) {
		return
	}
	c.state |= shut
	c.afterProduction(func() {
		c.finish(func() {
			err := c.sock.CloseWrite()
			if err != nil && !errors.Is(err, syscall.ENOTCONN) { // reset by the peer, as reading will show
				c.lose(fmt.Errorf("close write: %w", err))
			} else if c.is(gotEOF) {
				c.Close()
			}
		})
	})
}

// Close sends what is buffered, and what a registered producer still has, and then closes.
// No Data comes any more, and Closed comes in a later turn: with a *corolla.TimeoutError when the
// peer takes nothing of what is buffered for 30 seconds. A second Close does nothing.
func (c *Conn) Close() {
	if c.is(closing) {
		return
	}
	c.state |= closing
	c.sock.OnReadable(nil)
	if c.rare != nil && c.rare.in != nil {
		c.rare.in.Cancel(net.ErrClosed)
	}
	c.afterProduction(func() {
		if c.finish(func() { c.lose(nil) }); !c.is(lost) {
			c.linger()
		}
	})
}

// Abort closes at once: what is buffered is dropped, the peer sees a reset, and Closed gets
// ErrAborted.
func (c *Conn) Abort() { c.reset(ErrAborted) }

// reset ends the connection so that the peer does not take what it got for the whole.
func (c *Conn) reset(err error) { c.end(err, c.sock.Reset) }

// lose ends the connection; Closed follows in the next turn.
func (c *Conn) lose(err error) { c.end(err, c.sock.Close) }

func (c *Conn) end(err error, closeSocket func() error) {
	if c.is(lost) {
		return
	}
	c.state |= lost | closing
	c.out.Drop()
	if c.rare != nil {
		c.rare.stop()
	}
	if e := closeSocket(); e != nil && !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	c.err = err
	if c.tls == nil || c.tls.shake == nil {
		c.sock.Loop().Soon(c.closed)
	} // else it comes behind the end of the handshake
	if c.tls != nil {
		c.tls.drop()
	}
	c.stopProduction() // last, for it may panic
}

func (c *Conn) closed() {
	if c.is(opened) {
		defer c.guard()
		c.proto.Closed(c, c.err)
	}
}

// Protocol returns who is told what happens.
func (c *Conn) Protocol() Protocol { return c.proto }

// SetProtocol makes another Protocol the one that is told what happens from now on. It gets
// no Opened: that has happened.
func (c *Conn) SetProtocol(p Protocol) { c.proto = p }

// Socket returns the socket underneath.
func (c *Conn) Socket() *corolla.Socket { return c.sock }

// LocalAddr returns the connection's own address, also once it is closed.
func (c *Conn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr returns the address of the peer, also once it is closed or the peer has reset it.
func (c *Conn) RemoteAddr() net.Addr { return c.sock.PeerAddr() }

// String names the connection by its network and its two addresses, for reports.
func (c *Conn) String() string { return stream.Describe(c.sock) }
