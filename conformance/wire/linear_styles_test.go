package wire_test

import (
	"errors"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/green"
)

// report settles the exchange with what a conversation returned.
func (e *exchange) report(result string, err error) {
	if err != nil {
		_ = e.result.Fail(err)
		return
	}
	_ = e.result.Resolve(result)
}

// watch calls f when a task that writes to c waits for room, which it does above the high water mark.
func watch(l *corolla.Loop, c *aio.Conn, f func()) {
	l.Go(func(t *corolla.Task) error {
		for c.Buffered() <= highMark {
			if err := t.Yield(); err != nil {
				return nil // the conversation is over
			}
		}
		f()
		return nil
	})
}

// taskConn is a connection of a task.
type taskConn struct {
	*aio.Bound
	e *exchange
	t *corolla.Task
	c *aio.Conn
}

func (c taskConn) Abort() error    { return c.c.Abort() }
func (c taskConn) buffered() int   { return c.c.Buffered() }
func (c taskConn) onFull(f func()) { watch(c.t.Loop(), c.c, f) }

func (c taskConn) await(f *corolla.Future[struct{}]) error {
	_, err := f.Await(c.t)
	return err
}

func (c taskConn) startTLS() error {
	if c.e.role == "client" {
		return c.c.ClientTLS(c.t, c.e.tls)
	}
	return c.c.ServerTLS(c.t, c.e.tls)
}

func taskServe(e *exchange) (net.Addr, error) {
	listen := func() (*aio.Listener, error) { return aio.Listen(e.loop, "tcp", "127.0.0.1:0") }
	if e.name == "tls" {
		listen = func() (*aio.Listener, error) { return aio.ListenTLS(e.loop, "tcp", "127.0.0.1:0", e.tls) }
	}
	ln, err := listen()
	if err != nil {
		return nil, err
	}
	e.loop.Go(func(t *corolla.Task) error {
		c, err := ln.Accept(t)
		if err == nil {
			err = ln.Close()
		}
		e.taskTalk(t, c, err)
		return nil
	})
	return ln.Addr(), nil
}

func taskConnect(e *exchange, address string) {
	e.loop.Go(func(t *corolla.Task) error {
		if e.name == "tls" {
			c, err := aio.DialTLS(t, "tcp", address, e.tls)
			e.taskTalk(t, c, err)
			return nil
		}
		c, err := aio.Dial(t, "tcp", address)
		e.taskTalk(t, c, err)
		return nil
	})
}

func (e *exchange) taskTalk(t *corolla.Task, c *aio.Conn, err error) {
	if err != nil {
		e.report("", err)
		return
	}
	e.report(e.talk(taskConn{c.Bind(t), e, t, c}))
}

// greenConn is a connection of a green thread.
type greenConn struct {
	*green.Conn
	e *exchange
	h *green.Hub
}

func (c greenConn) buffered() int   { return c.AIO().Buffered() }
func (c greenConn) onFull(f func()) { watch(c.h.Loop(), c.AIO(), f) }

func (c greenConn) await(f *corolla.Future[struct{}]) error {
	_, err := f.Await(c.h.Task())
	return err
}

func (c greenConn) startTLS() error {
	if c.e.role == "client" {
		return c.ClientTLS(c.e.tls)
	}
	return c.ServerTLS(c.e.tls)
}

func greenServe(e *exchange) (net.Addr, error) {
	h := green.NewHub(e.loop)
	listen := func() (*green.Listener, error) { return h.Listen("tcp", "127.0.0.1:0") }
	if e.name == "tls" {
		listen = func() (*green.Listener, error) { return h.ListenTLS("tcp", "127.0.0.1:0", e.tls) }
	}
	ln, err := listen()
	if err != nil {
		return nil, err
	}
	h.Go(func() error {
		return h.Serve(ln, func(c *green.Conn) error {
			e.report(e.talk(greenConn{c, e, h}))
			return green.ErrStopServe
		})
	})
	return ln.Addr(), nil
}

func greenConnect(e *exchange, address string) {
	h := green.NewHub(e.loop)
	h.Go(func() error {
		dial := func() (*green.Conn, error) { return h.Dial("tcp", address) }
		if e.name == "tls" {
			dial = func() (*green.Conn, error) { return h.DialTLS("tcp", address, e.tls) }
		}
		c, err := dial()
		if err != nil {
			e.report("", err)
			return nil
		}
		e.report(e.talk(greenConn{c, e, h}))
		return nil
	})
}

// genConn is a socket in a generator that yields what it waits for. It has no buffer.
type genConn struct {
	*corolla.Socket
	y    *gen.Yield[gen.Wait, struct{}]
	full *func()
}

func (c genConn) Read(b []byte) (int, error) { return gen.Read(c.y, c.Socket, b) }
func (c genConn) Abort() error               { return c.Reset() }
func (c genConn) buffered() int              { return 0 }
func (c genConn) onFull(f func())            { *c.full = f }
func (c genConn) startTLS() error            { return errors.New("a generator's socket has no TLS") }

func (c genConn) Write(b []byte) (n int, err error) {
	for *c.full != nil { // only until then, as gen.Write does not tell
		sent, err := c.TryWrite(b[n:])
		if n += sent; n == len(b) || err != nil && err != corolla.ErrWouldBlock {
			return n, err
		}
		if err != nil {
			(*c.full)()
			*c.full = nil
		}
	}
	sent, err := gen.Write(c.y, c.Socket, b[n:])
	return n + sent, err
}

func (c genConn) await(f *corolla.Future[struct{}]) error {
	_, err := c.y.Yield(gen.Done(f))
	return err
}

func genServe(e *exchange) (net.Addr, error) {
	ln, err := e.loop.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e.generate(func(y *gen.Yield[gen.Wait, struct{}]) (string, error) {
		for {
			s, err := ln.TryAccept()
			if err == nil {
				ln.Close()
				return e.talk(genConn{s, y, new(func())})
			} else if err != corolla.ErrWouldBlock {
				return "", err
			} else if _, err := y.Yield(gen.Readable(ln)); err != nil {
				return "", err
			}
		}
	})
	return ln.LocalAddr(), nil
}

func genConnect(e *exchange, address string) {
	e.generate(func(y *gen.Yield[gen.Wait, struct{}]) (string, error) {
		dialed := e.loop.Dial("tcp", address)
		if _, err := y.Yield(gen.Done(dialed)); err != nil {
			return "", err
		}
		s, err := dialed.Result()
		if err != nil {
			return "", err
		}
		return e.talk(genConn{s, y, new(func())})
	})
}

func (e *exchange) generate(body gen.Coroutine[string]) {
	gen.Go(e.loop, body).OnDone(func(f *corolla.Future[string]) { e.report(f.Result()) })
}
