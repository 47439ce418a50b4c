package aio_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// server runs test with a server whose handler echoes, and a way to connect to it.
func server(t *testing.T, opt aio.ServeOption, test func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn)) {
	t.Helper()
	w := sim.New(1)
	l := w.NewLoop(corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		srv := aio.NewServer(ln, func(task *corolla.Task, c *aio.Conn) error {
			_, err := io.Copy(c.Bind(task), c.Bind(task))
			return err
		}, opt)
		addr := srv.Addr().String()
		served := l.Go(srv.Serve)
		test(t, task, srv, func() *aio.Conn {
			c, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			return c
		})
		if _, err := served.Await(task); err != aio.ErrServerClosed {
			t.Errorf("Serve = %v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	if n := w.Open(); n != 0 {
		t.Errorf("%d descriptors are open", n)
	}
}

func TestServerLimit(t *testing.T) {
	server(t, aio.MaxConns(2), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		a, b, c := dial(), dial(), dial()
		send(t, task, c, "x")
		err := task.Timeout(time.Second, func(*corolla.Scope) error {
			_, err := c.Read(task, make([]byte, 1))
			return err
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || srv.Conns() != 2 {
			t.Errorf("a third client: %v, with %d served", err, srv.Conns())
		}
		_ = a.Close()
		if _, err := c.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		_, _ = b.Close(), c.Close()
		if _, err := srv.Shutdown(task); err != nil {
			t.Error(err)
		}
	})
}

func TestLimitPerPeer(t *testing.T) {
	server(t, aio.MaxPerPeer(2), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		a, b := dial(), dial()
		for _, c := range []*aio.Conn{a, b} {
			send(t, task, c, "x")
			if _, err := c.ReadFull(task, make([]byte, 1)); err != nil {
				t.Error(err)
			}
		}
		c := dial()
		if _, err := c.Read(task, make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a third connection reads %v", err)
		}
		_, _ = a.Close(), c.Close()
		for srv.Conns() > 1 {
			if err := task.Sleep(time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		d := dial()
		send(t, task, d, "x")
		if _, err := d.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		_, _ = b.Close(), d.Close()
		if _, err := srv.Shutdown(task); err != nil {
			t.Error(err)
		}
	})
}

func TestLimitsOfServers(t *testing.T) {
	word := aio.Refuse(func(net.Addr) []byte { return []byte("busy") })
	for name, c := range map[string]struct {
		opts []aio.ServeOption
		word string
		err  error // nil is that they wait
	}{
		"wait":             {[]aio.ServeOption{aio.MaxConns(2)}, "", nil},
		"refuse":           {[]aio.ServeOption{aio.MaxConns(2), word}, "busy", io.EOF},
		"reset":            {[]aio.ServeOption{aio.MaxConns(2), aio.Refuse(nil)}, "", syscall.ECONNRESET},
		"peer":             {[]aio.ServeOption{aio.MaxPerPeer(2)}, "", syscall.ECONNRESET},
		"peer, with room":  {[]aio.ServeOption{aio.MaxConns(3), aio.MaxPerPeer(2)}, "", syscall.ECONNRESET},
		"peer, and a word": {[]aio.ServeOption{aio.MaxPerPeer(2), word}, "busy", io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			serving(t, echoes, c.opts, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], _ *[]error) {
				a, b := connectTo(t, task, srv), connectTo(t, task, srv)
				for _, c := range []*aio.Conn{a, b} {
					send(t, task, c, "x")
					if err := answered(task, c); err != nil {
						t.Fatal(err)
					}
				}
				for range 3 {
					d, err := aio.Dial(task, "tcp", srv.Addr().String())
					if errors.Is(err, syscall.ECONNRESET) && errors.Is(err, c.err) {
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					if c.err == nil {
						wantNoAnswer(t, task, d)
						_ = d.Abort()
						continue
					}
					got, err := io.ReadAll(d.Bind(task))
					if string(got) != c.word || err != nil != (c.err != io.EOF) || err != nil && !errors.Is(err, c.err) {
						t.Errorf("one that is refused reads %q, %v", got, err)
					}
					_ = d.Close()
				}
				_ = a.Close()
				settle(t, task, func() bool { return srv.Conns() == 1 })
				d := connectTo(t, task, srv)
				send(t, task, d, "x")
				if _, err := d.ReadFull(task, make([]byte, 1)); err != nil {
					t.Errorf("once there is room: %v", err)
				}
				_, _ = b.Close(), d.Close()
			})
		})
	}
}

func TestConnectionsThatLingerHaveAPlace(t *testing.T) {
	handled := 0
	handle := func(task *corolla.Task, c *aio.Conn) error {
		handled++
		c.SetWriteMarks(-1, 1<<30)
		for c.Buffered() < 1<<20 { // more than the system takes
			if _, err := c.Write(task, make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		return nil // and the connection lingers
	}
	serving(t, handle, []aio.ServeOption{aio.MaxConns(1)}, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], _ *[]error) {
		handled = 0
		tasks := len(task.Loop().Tasks()) // before there is one of a handler
		a, b := connectTo(t, task, srv), connectTo(t, task, srv)
		if _, err := a.ReadFull(task, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		settle(t, task, func() bool { return handled == 1 && len(task.Loop().Tasks()) == tasks }) // it is not served any more
		if n := srv.Conns(); n != 1 {
			t.Errorf("one that lingers: %d connections, want 1", n)
		}
		wantNoAnswer(t, task, b) // for it is the place of one that lingers
		_ = a.Abort()
		if _, err := b.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		_ = b.Abort()
	})
}

// A handler may have its own use for Socket.OnClosed: the server's books stay right.
func TestHandlerNotesTheEndOfItsSocket(t *testing.T) {
	closed := 0
	serving(t, func(task *corolla.Task, c *aio.Conn) error {
		c.Socket().OnClosed(func() { closed++ })
		_, err := c.Write(task, []byte("x"))
		return err
	}, []aio.ServeOption{aio.MaxConns(1)}, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], _ *[]error) {
		closed = 0
		for n := range 3 {
			c := connectTo(t, task, srv)
			if err := answered(task, c); err != nil {
				t.Errorf("connection %d: %v", n, err)
			}
			_ = c.Close()
			settle(t, task, func() bool { return closed > n || t.Failed() })
		}
		if closed != 3 {
			t.Errorf("%d of 3 ends were told", closed)
		}
	})
}
