package wire_test

import (
	"io"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// protocol is a transport.Protocol that is told of bytes.
type protocol struct {
	e *exchange
	p *push
}

func (r *protocol) Opened(c *transport.Conn) {
	r.p = newPush(r.e, protocolConn{c, r.e})
	r.p.opened()
}
func (r *protocol) Data(_ *transport.Conn, b []byte)    { r.p.data(b) }
func (r *protocol) EOF(*transport.Conn) bool            { return r.p.eof() }
func (r *protocol) PauseWriting(*transport.Conn)        { r.p.room(true) }
func (r *protocol) ResumeWriting(*transport.Conn)       { r.p.room(false) }
func (r *protocol) Closed(_ *transport.Conn, err error) { r.p.closed(err) }

// messages is a transport.MessageHandler, which a Receiver tells of messages.
type messages struct{ protocol }

func (r *messages) Opened(c *transport.Receiver)            { r.protocol.Opened(c.Conn) }
func (r *messages) Message(_ *transport.Receiver, m []byte) { r.p.message(m) }
func (r *messages) Closed(_ *transport.Receiver, err error) { r.p.closed(err) }

type protocolConn struct {
	*transport.Conn
	e *exchange
}

func (c protocolConn) write(b []byte) error { return c.Write(b) }
func (c protocolConn) closeWrite()          { c.CloseWrite() }
func (c protocolConn) close()               { c.Close() }
func (c protocolConn) abort()               { c.Abort() }
func (c protocolConn) pause()               { c.PauseReading() }
func (c protocolConn) resume()              { c.ResumeReading() }
func (c protocolConn) buffered() int        { return c.Buffered() }

func (c protocolConn) startTLS(done func(error)) error {
	if c.e.role == "client" {
		return c.ClientTLS(c.e.tls, done)
	}
	return c.ServerTLS(c.e.tls, done)
}

func (e *exchange) protocol() transport.Protocol {
	if d := e.decoder(); d != nil {
		return transport.NewReceiver(d, &messages{protocol{e: e}})
	}
	return &protocol{e: e}
}

func transportServe(e *exchange) (net.Addr, error) {
	var s *transport.Server
	var err error
	build := func(*transport.Conn) transport.Protocol {
		if err := s.Close(); err != nil {
			e.report("", err)
		}
		return e.protocol()
	}
	if e.name == "tls" {
		s, err = transport.ServeTLS(e.loop, "tcp", "127.0.0.1:0", e.tls, build)
	} else {
		s, err = transport.Serve(e.loop, "tcp", "127.0.0.1:0", build)
	}
	if err != nil {
		return nil, err
	}
	return s.Addr(), nil
}

func transportConnect(e *exchange, address string) {
	dial := func() *corolla.Future[*transport.Conn] { return transport.Dial(e.loop, "tcp", address, e.protocol()) }
	if e.name == "tls" {
		dial = func() *corolla.Future[*transport.Conn] {
			return transport.DialTLS(e.loop, "tcp", address, e.tls, e.protocol())
		}
	}
	dial().OnDone(func(f *corolla.Future[*transport.Conn]) {
		if _, err := f.Result(); err != nil {
			e.report("", err)
		}
	})
}

// socket is a connection of callbacks and nothing else.
type socket struct {
	*corolla.Socket
	out      corolla.Outbox
	p        *push
	d        framing.Decoder // nil for bytes
	finished bool            // closed was called
}

func newSocket(e *exchange, s *corolla.Socket) {
	c := &socket{Socket: s, d: e.decoder()}
	c.out.Init(s, c.lost)
	c.p = newPush(e, c)
	c.out.OnMarks(c.p.room)
	c.OnReadable(c.readable)
	c.p.opened()
}

func (c *socket) readable() {
	b := c.Loop().Scratch()
	n, err := c.TryRead(b)
	switch {
	case err == corolla.ErrWouldBlock:
	case err == io.EOF:
		c.OnReadable(nil)
		if !c.p.eof() {
			c.close()
		}
	case err != nil:
		c.lost(err)
	case c.d == nil:
		c.p.data(b[:n])
	default:
		c.p.fail(c.d.Feed(b[:n], func(m []byte) error {
			c.p.message(m)
			return nil
		}))
	}
}

// lost closes the socket, and tells why.
func (c *socket) lost(err error) {
	if !c.finished {
		c.finished = true
		c.Close()
		c.p.closed(err)
	}
}

func (c *socket) write(b []byte) error { return c.out.Write(b) }
func (c *socket) closeWrite()          { c.out.Finish(func() { c.CloseWrite() }) }
func (c *socket) close()               { c.OnReadable(nil); c.out.Finish(func() { c.lost(nil) }) }
func (c *socket) pause()               { c.OnReadable(nil) }
func (c *socket) resume()              { c.OnReadable(c.readable) }
func (c *socket) buffered() int        { return c.out.Len() }

func (c *socket) abort() {
	c.Reset()
	c.lost(net.ErrClosed)
}

func (c *socket) startTLS(func(error)) error { return errNoTLS }

func callbackServe(e *exchange) (net.Addr, error) {
	ln, err := e.loop.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ln.OnReadable(func() {
		s, err := ln.TryAccept()
		if err == corolla.ErrWouldBlock {
			return
		}
		ln.Close()
		if err != nil {
			e.report("", err)
			return
		}
		newSocket(e, s)
	})
	return ln.LocalAddr(), nil
}

func callbackConnect(e *exchange, address string) {
	e.loop.Dial("tcp", address).OnDone(func(f *corolla.Future[*corolla.Socket]) {
		s, err := f.Result()
		if err != nil {
			e.report("", err)
			return
		}
		newSocket(e, s)
	})
}
