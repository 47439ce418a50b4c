package aio

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla"
)

// face is what any goroutine may use of something that belongs to a loop: each call is done on
// the loop, by a task, while the goroutine waits. On the loop itself it panics, before it takes a
// lock that others may hold while they wait for the loop.
type face struct {
	loop          *corolla.Loop
	network       string
	local, remote net.Addr
}

func newFace(s *corolla.Socket) face {
	return face{s.Loop(), s.Network(), named(s, s.LocalAddr()), s.PeerAddr()}
}

func (f *face) LocalAddr() net.Addr  { return f.local }
func (f *face) RemoteAddr() net.Addr { return f.remote }

// call calls do in a task of the loop and waits for what it returns.
func call[T any](f *face, op string, do func(t *corolla.Task) (T, error)) (T, error) {
	v, err := corolla.Call(context.Background(), f.loop, do)
	if errors.Is(err, corolla.ErrLoopClosed) {
		err = &net.OpError{Op: op, Net: f.network, Source: f.local, Addr: f.remote, Err: errors.Join(net.ErrClosed, err)}
	}
	return v, err
}

// lock takes a lock of the face's.
func (f *face) lock(mu *sync.Mutex, what string) (unlock func()) {
	f.loop.CheckOutside("a net face's " + what)
	mu.Lock()
	return mu.Unlock
}

func (f *face) do(op string, do func() error) error {
	_, err := call(f, op, func(*corolla.Task) (struct{}, error) { return struct{}{}, do() })
	return err
}

func (f *face) deadline(set func(time.Time) error, when time.Time) error {
	return f.do("set deadline", func() error { return set(when) })
}

// netConn is a Conn that any goroutine may use.
type netConn struct {
	face
	conn *Conn
	read sync.Mutex // one reader at a time, others wait; writers wait for each other in conn
}

// NetConn returns the connection as a net.Conn that is safe from any goroutine but those
// that run the loop, which would wait for themselves. It can be handed to any Go library.
// A call costs a hand-over to the loop and back. Read the Conn itself, or a second NetConn of it,
// and one reader will find the other busy.
func (c *Conn) NetConn() net.Conn { return c.netConn() }

func (c *Conn) netConn() *netConn {
	n := &netConn{face: newFace(c.Socket()), conn: c}
	n.remote = named(c.Socket(), n.remote)
	return n
}

func (c *netConn) Read(b []byte) (int, error) {
	defer c.lock(&c.read, "Read")()
	return call(&c.face, "read", func(t *corolla.Task) (int, error) { return c.conn.Read(t, b) })
}

func (c *netConn) Write(b []byte) (int, error) {
	return call(&c.face, "write", func(t *corolla.Task) (int, error) { return c.conn.Write(t, b) })
}

func (c *netConn) Close() error                       { return c.do("close", c.conn.Close) }
func (c *netConn) CloseWrite() error                  { return c.do("close", c.conn.CloseWrite) }
func (c *netConn) SetDeadline(t time.Time) error      { return c.deadline(c.conn.SetDeadline, t) }
func (c *netConn) SetReadDeadline(t time.Time) error  { return c.deadline(c.conn.SetReadDeadline, t) }
func (c *netConn) SetWriteDeadline(t time.Time) error { return c.deadline(c.conn.SetWriteDeadline, t) }

// netListener is a Listener that any goroutine may use.
type netListener struct {
	face
	ln     *Listener
	accept sync.Mutex
}

// NetListener returns the listener as a net.Listener that is safe from any goroutine but
// those that run the loop, as are the connections that it accepts; see Conn.NetConn. It can
// be handed to http.Server, for one.
//
// Those of ListenTLS are *tls.Conn, as http.Server wants them: it does the handshake, on its own
// goroutine, and speaks HTTP/2 if "h2" is among the configuration's NextProtos (with "http/1.1" behind
// it). HandshakeTimeout holds there too; MaxHandshakes does not, as such handshakes do not run on
// the loop.
func (ln *Listener) NetListener() net.Listener {
	return &netListener{face: newFace(ln.sock), ln: ln}
}

func (ln *netListener) Accept() (net.Conn, error) {
	defer ln.lock(&ln.accept, "Accept")()
	return call(&ln.face, "accept", func(t *corolla.Task) (net.Conn, error) {
		c, err := ln.ln.acceptPlain(t)
		if err != nil {
			return nil, err
		}
		if y := ln.ln.tls; y != nil {
			return tls.Server(limitHandshake(c.netConn(), y.Limits.Timeout), y.Original), nil
		}
		return c.NetConn(), nil
	})
}

// shaking is a netConn below a *tls.Conn, of which the handshake must come to its end. Nobody tells
// of that, so it is taken to be there when the peer has said more after our answer. That is early
// where the answer asks for another hello; but a peer that only wants to hold the connection can do
// so behind a good handshake just as well.
type shaking struct {
	*netConn
	answered, over atomic.Bool
	limit          *corolla.Timer
}

func limitHandshake(c *netConn, timeout time.Duration) net.Conn {
	if timeout <= 0 {
		return c
	}
	s := &shaking{netConn: c}
	s.limit = c.loop.After(timeout, func() {
		if !s.over.Load() {
			_ = c.conn.Abort() // unless it was closed
		}
	})
	c.conn.Socket().OnClosed(func() { s.limit.Stop() })
	return s
}

func (s *shaking) Read(b []byte) (int, error) {
	n, err := s.netConn.Read(b)
	if n > 0 && s.answered.Load() {
		s.over.Store(true)
	}
	return n, err
}

func (s *shaking) Write(b []byte) (int, error) {
	s.answered.Store(true)
	return s.netConn.Write(b)
}

func (ln *netListener) Close() error   { return ln.do("close", ln.ln.Close) }
func (ln *netListener) Addr() net.Addr { return ln.local }

// netPacketConn is a PacketConn that any goroutine may use.
type netPacketConn struct {
	face
	conn        *PacketConn
	read, write sync.Mutex
}

// NetPacketConn returns the connection as a net.PacketConn that is safe from any goroutine but
// those that run the loop; see Conn.NetConn. It is a net.Conn as well, as a *net.UDPConn is:
// Write sends to the peer of DialPacket.
func (c *PacketConn) NetPacketConn() net.PacketConn {
	return &netPacketConn{face: newFace(c.Socket()), conn: c}
}

func (c *netPacketConn) ReadFrom(b []byte) (n int, from net.Addr, err error) {
	defer c.lock(&c.read, "ReadFrom")()
	n, err = call(&c.face, "read", func(t *corolla.Task) (n int, err error) {
		n, from, err = c.conn.ReadFrom(t, b)
		return n, err
	})
	return n, from, err
}

func (c *netPacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	defer c.lock(&c.write, "WriteTo")()
	return call(&c.face, "write", func(t *corolla.Task) (int, error) {
		return written(b, c.conn.WriteTo(t, b, to))
	})
}

func (c *netPacketConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

func (c *netPacketConn) Write(b []byte) (int, error) { return c.WriteTo(b, nil) }

func (c *netPacketConn) Close() error                  { return c.do("close", c.conn.Close) }
func (c *netPacketConn) SetDeadline(t time.Time) error { return c.deadline(c.conn.SetDeadline, t) }
func (c *netPacketConn) SetReadDeadline(t time.Time) error {
	return c.deadline(c.conn.SetReadDeadline, t)
}

func (c *netPacketConn) SetWriteDeadline(t time.Time) error {
	return c.deadline(c.conn.SetWriteDeadline, t)
}
