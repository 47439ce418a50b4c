package aio

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/corolla-go/corolla"
)

// Bound is a Conn as a net.Conn, for code that runs in one task and wants one.
type Bound struct {
	task *corolla.Task
	conn *Conn
}

var _ net.Conn = (*Bound)(nil)

// Bind returns the connection as a net.Conn whose Read and Write park t. It is for use in t
// only; another task binds it anew.
func (c *Conn) Bind(t *corolla.Task) *Bound { return &Bound{t, c} }

// Read is Conn.Read of the task.
func (b *Bound) Read(p []byte) (int, error) { return b.conn.Read(b.task, p) }

// Write is Conn.Write of the task.
func (b *Bound) Write(p []byte) (int, error) { return b.conn.Write(b.task, p) }

// WriteTo lets io.Copy hold no buffer while nothing arrives, if w is a Bound too; see Copy.
func (b *Bound) WriteTo(w io.Writer) (int64, error) {
	if dst, ok := w.(*Bound); ok && dst.conn.sock.Loop() == b.conn.sock.Loop() {
		return Copy(b.task, dst.conn, b.conn)
	}
	return io.Copy(w, struct{ io.Reader }{b})
}

// Close is Conn.Close.
func (b *Bound) Close() error { return b.conn.Close() }

// CloseWrite is Conn.CloseWrite.
func (b *Bound) CloseWrite() error { return b.conn.CloseWrite() }

// LocalAddr is Conn.LocalAddr.
func (b *Bound) LocalAddr() net.Addr { return b.conn.LocalAddr() }

// RemoteAddr is Conn.RemoteAddr.
func (b *Bound) RemoteAddr() net.Addr { return b.conn.RemoteAddr() }

// SetDeadline is Conn.SetDeadline.
func (b *Bound) SetDeadline(t time.Time) error { return b.conn.SetDeadline(t) }

// SetReadDeadline is Conn.SetReadDeadline.
func (b *Bound) SetReadDeadline(t time.Time) error { return b.conn.SetReadDeadline(t) }

// SetWriteDeadline is Conn.SetWriteDeadline.
func (b *Bound) SetWriteDeadline(t time.Time) error { return b.conn.SetWriteDeadline(t) }

// netConn is a Conn that any goroutine may use: each call is done on the loop, by a task,
// while the goroutine waits.
type netConn struct {
	loop          *corolla.Loop
	conn          *Conn
	local, remote net.Addr
	read, write   sync.Mutex // one reader and one writer at a time; others wait
}

// NetConn returns the connection as a net.Conn that is safe from any goroutine but those
// that run the loop, which would wait for themselves. It can be handed to any Go library.
// A call costs a hand-over to the loop and back. The Conn itself is then best left alone.
func (c *Conn) NetConn() net.Conn {
	return &netConn{loop: c.sock.Loop(), conn: c, local: c.LocalAddr(), remote: c.RemoteAddr()}
}

// onLoop calls f in a task of the loop and waits for what it returns.
func onLoop[T any](l *corolla.Loop, op string, f func(t *corolla.Task) (T, error)) (T, error) {
	v, err := corolla.Call(context.Background(), l, f)
	if errors.Is(err, corolla.ErrLoopClosed) {
		err = &net.OpError{Op: op, Net: "tcp", Err: errors.Join(net.ErrClosed, err)}
	}
	return v, err
}

func (c *netConn) do(op string, f func() error) error {
	_, err := onLoop(c.loop, op, func(*corolla.Task) (struct{}, error) { return struct{}{}, f() })
	return err
}

func (c *netConn) Read(b []byte) (int, error) {
	c.read.Lock()
	defer c.read.Unlock()
	return onLoop(c.loop, "read", func(t *corolla.Task) (int, error) { return c.conn.Read(t, b) })
}

func (c *netConn) Write(b []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	return onLoop(c.loop, "write", func(t *corolla.Task) (int, error) { return c.conn.Write(t, b) })
}

func (c *netConn) Close() error                       { return c.do("close", c.conn.Close) }
func (c *netConn) CloseWrite() error                  { return c.do("close", c.conn.CloseWrite) }
func (c *netConn) LocalAddr() net.Addr                { return c.local }
func (c *netConn) RemoteAddr() net.Addr               { return c.remote }
func (c *netConn) SetDeadline(t time.Time) error      { return c.deadline(c.conn.SetDeadline, t) }
func (c *netConn) SetReadDeadline(t time.Time) error  { return c.deadline(c.conn.SetReadDeadline, t) }
func (c *netConn) SetWriteDeadline(t time.Time) error { return c.deadline(c.conn.SetWriteDeadline, t) }

func (c *netConn) deadline(set func(time.Time) error, when time.Time) error {
	return c.do("set deadline", func() error { return set(when) })
}

// netListener is a Listener that any goroutine may use.
type netListener struct {
	loop   *corolla.Loop
	ln     *Listener
	addr   net.Addr
	accept sync.Mutex
}

// NetListener returns the listener as a net.Listener that is safe from any goroutine but
// those that run the loop, as are the connections that it accepts; see Conn.NetConn. It can
// be handed to http.Server, for one.
func (ln *Listener) NetListener() net.Listener {
	return &netListener{loop: ln.sock.Loop(), ln: ln, addr: ln.Addr()}
}

func (ln *netListener) Accept() (net.Conn, error) {
	ln.accept.Lock()
	defer ln.accept.Unlock()
	return onLoop(ln.loop, "accept", func(t *corolla.Task) (net.Conn, error) {
		c, err := ln.ln.Accept(t)
		if err != nil {
			return nil, err
		}
		return c.NetConn(), nil
	})
}

func (ln *netListener) Close() error {
	_, err := onLoop(ln.loop, "close", func(*corolla.Task) (struct{}, error) { return struct{}{}, ln.ln.Close() })
	return err
}

func (ln *netListener) Addr() net.Addr { return ln.addr }
