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

// facade lets any goroutine use something that belongs to a loop: each call runs on the loop, in a
// task, while the goroutine waits. A call on the loop itself panics, before it takes a lock that
// others may hold while they wait for the loop.
type facade struct {
	loop          *corolla.Loop
	network       string
	local, remote net.Addr
}

func newFacade(s *corolla.Socket) facade {
	return facade{s.Loop(), s.Network(), named(s, s.LocalAddr()), s.PeerAddr()}
}

func (f *facade) LocalAddr() net.Addr  { return f.local }
func (f *facade) RemoteAddr() net.Addr { return f.remote }

// call calls do in a task of the loop and waits for its result.
func call[T any](f *facade, op string, do func(t *corolla.Task) (T, error)) (T, error) {
	v, err := corolla.Call(context.Background(), f.loop, do)
	if errors.Is(err, corolla.ErrLoopClosed) {
		err = &net.OpError{Op: op, Net: f.network, Source: f.local, Addr: f.remote, Err: errors.Join(net.ErrClosed, err)}
	}
	return v, err
}

// lock locks mu, unless the caller runs the loop: then it panics.
func (f *facade) lock(mu *sync.Mutex, what string) (unlock func()) {
	f.loop.CheckOutside("a net adapter's " + what)
	mu.Lock()
	return mu.Unlock
}

func (f *facade) do(op string, do func() error) error {
	_, err := call(f, op, func(*corolla.Task) (struct{}, error) { return struct{}{}, do() })
	return err
}

func (f *facade) deadline(set func(time.Time) error, when time.Time) error {
	return f.do("set deadline", func() error { return set(when) })
}

// netConn is a Conn that any goroutine may use.
type netConn struct {
	facade
	conn *Conn
	read sync.Mutex // one reader at a time, the others wait; writers wait for one another in conn
}

// NetConn returns the connection as a net.Conn, for any Go library. It is safe from any goroutine
// except those that run the loop, which would wait for themselves: there it panics. Each call costs
// a round trip to the loop. If something else reads the connection at the same time, the Conn
// itself or a second NetConn of it, one of the two gets corolla.ErrBusy. NetConn itself is called on the
// loop.
func (c *Conn) NetConn() net.Conn { return c.netConn() }

func (c *Conn) netConn() *netConn {
	n := &netConn{facade: newFacade(c.Socket()), conn: c}
	n.remote = named(c.Socket(), n.remote)
	return n
}

func (c *netConn) Read(b []byte) (int, error) {
	defer c.lock(&c.read, "Read")()
	return call(&c.facade, "read", func(t *corolla.Task) (int, error) { return c.conn.Read(t, b) })
}

func (c *netConn) Write(b []byte) (int, error) {
	return call(&c.facade, "write", func(t *corolla.Task) (int, error) { return c.conn.Write(t, b) })
}

func (c *netConn) Close() error                       { return c.do("close", c.conn.Close) }
func (c *netConn) CloseWrite() error                  { return c.do("close", c.conn.CloseWrite) }
func (c *netConn) SetDeadline(t time.Time) error      { return c.deadline(c.conn.SetDeadline, t) }
func (c *netConn) SetReadDeadline(t time.Time) error  { return c.deadline(c.conn.SetReadDeadline, t) }
func (c *netConn) SetWriteDeadline(t time.Time) error { return c.deadline(c.conn.SetWriteDeadline, t) }

// netListener is a Listener that any goroutine may use.
type netListener struct {
	facade
	ln     *Listener
	accept sync.Mutex
}

// NetListener returns the listener as a net.Listener, for servers that know nothing of loops. It and the
// connections that it accepts are safe from any goroutine except those that run the loop; see
// Conn.NetConn.
//
// The handlers of an http.Server run on goroutines of net/http's, even when it serves such a listener: if
// they touch what belongs to the loop, they race with it. Package web serves HTTP on the loop itself, and
// its OnLoop makes the handlers of an http.Server run there.
//
// With ListenTLS the connections are *tls.Conn, as http.Server wants them: it does the handshake on
// its own goroutine, and speaks HTTP/2 if the configuration's NextProtos have "h2" (followed by
// "http/1.1"). HandshakeTimeout applies there too; MaxHandshakes does not, since those handshakes
// do not run on the loop.
func (ln *Listener) NetListener() net.Listener {
	return &netListener{facade: newFacade(ln.sock), ln: ln}
}

func (ln *netListener) Accept() (net.Conn, error) {
	defer ln.lock(&ln.accept, "Accept")()
	return call(&ln.facade, "accept", func(t *corolla.Task) (net.Conn, error) {
		s, err := ln.ln.acceptSocket(t)
		if err != nil {
			return nil, err
		}
		c := NewConn(s)
		if y := ln.ln.tls; y != nil {
			return tls.Server(limitHandshake(c.netConn(), y.Limits.Timeout), y.Original), nil
		}
		return c.NetConn(), nil
	})
}

// handshaking is a netConn below a *tls.Conn whose handshake must end in time. Nothing announces
// its end, so the handshake counts as over once the peer has sent more after our answer. That is
// too early if the answer asks for a second hello; but a peer that only wants to hold the
// connection can do so after a good handshake just as well.
type handshaking struct {
	*netConn
	answered, over atomic.Bool
	limit          *corolla.Timer
}

func limitHandshake(c *netConn, timeout time.Duration) net.Conn {
	if timeout <= 0 {
		return c
	}
	s := &handshaking{netConn: c}
	s.limit = c.loop.After(timeout, func() {
		if !s.over.Load() {
			_ = c.conn.Abort() // or it is closed already
		}
	})
	c.conn.Socket().OnClosed(func() { s.limit.Stop() })
	return s
}

func (s *handshaking) Read(b []byte) (int, error) {
	n, err := s.netConn.Read(b)
	if n > 0 && s.answered.Load() {
		s.over.Store(true)
	}
	return n, err
}

func (s *handshaking) Write(b []byte) (int, error) {
	s.answered.Store(true)
	return s.netConn.Write(b)
}

func (ln *netListener) Close() error   { return ln.do("close", ln.ln.Close) }
func (ln *netListener) Addr() net.Addr { return ln.local }

// netPacketConn is a PacketConn that any goroutine may use.
type netPacketConn struct {
	facade
	conn        *PacketConn
	read, write sync.Mutex
}

// NetPacketConn returns the connection as a net.PacketConn that is safe from any goroutine except
// those that run the loop; see Conn.NetConn. Like a *net.UDPConn it is also a net.Conn: Write sends
// to the peer of DialPacket.
func (c *PacketConn) NetPacketConn() net.PacketConn {
	return &netPacketConn{facade: newFacade(c.Socket()), conn: c}
}

func (c *netPacketConn) ReadFrom(b []byte) (n int, from net.Addr, err error) {
	defer c.lock(&c.read, "ReadFrom")()
	n, err = call(&c.facade, "read", func(t *corolla.Task) (n int, err error) {
		n, from, err = c.conn.ReadFrom(t, b)
		return n, err
	})
	return n, from, err
}

func (c *netPacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	defer c.lock(&c.write, "WriteTo")()
	return call(&c.facade, "write", func(t *corolla.Task) (int, error) {
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
