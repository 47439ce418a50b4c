package aio_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// systemBuffer is what the system keeps of a connection's direction, about, and stuffing is so much
// that a peer who does not read makes its writer wait.
const (
	systemBuffer = 64 << 10
	stuffing     = 1 << 20
)

var smallBuffers = []corolla.SocketOption{corolla.ReadBuffer(systemBuffer), corolla.WriteBuffer(systemBuffer)}

// connected runs test in a task with the two ends of a connection, on both hosts.
func connected(t *testing.T, test func(t *testing.T, task *corolla.Task, a, b *aio.Conn)) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			opts := []corolla.Option{
				corolla.SlowLimit(0),
				corolla.ErrorHandler(func(err error) {
					if !strings.HasPrefix(t.Name(), "TestUnwound") || !errors.As(err, new(*corolla.UnwoundError)) {
						t.Errorf("error handler: %v", err)
					}
				}),
			}
			l, err := corolla.New(opts...)
			if name == "sim" {
				if err == nil {
					err = l.Close()
				}
				l = sim.New(5).NewLoop(opts...)
			}
			leaktest.NeedLoop(t, err)
			t.Cleanup(func() { leaktest.Close(t, l) }) // behind the test's own
			if err := l.Run(func(task *corolla.Task) error {
				ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", smallBuffers...)
				if err != nil {
					return err
				}
				dial := corolla.Go(l, func(task *corolla.Task) (*aio.Conn, error) {
					return aio.Dial(task, "tcp", ln.Addr().String(), smallBuffers...)
				})
				b, err := ln.Accept(task)
				if err != nil {
					return err
				}
				a, err := dial.Await(task)
				if err != nil {
					return err
				}
				if err := ln.Close(); err != nil {
					return err
				}
				test(t, task, a, b)
				for _, c := range []*aio.Conn{a, b} {
					_ = c.Abort() // or the test has closed it
				}
				for l.Stats().Jobs > 0 {
					if err := task.Sleep(100 * time.Microsecond); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func send(t *testing.T, task *corolla.Task, c *aio.Conn, s string) {
	t.Helper()
	if n, err := c.Write(task, []byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func TestWriteParksAboveTheMark(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		const total = 2 << 20
		most := 0
		writer := task.Loop().Go(func(task *corolla.Task) error {
			block := make([]byte, 300<<10)
			for sent := 0; sent < total; {
				n, err := a.Write(task, block[:min(len(block), total-sent)])
				if sent += n; err != nil {
					return err
				}
			}
			if err := a.Flush(task); err != nil {
				return err
			}
			if a.Buffered() != 0 {
				t.Errorf("%d bytes are left after Flush", a.Buffered())
			}
			return a.Close()
		}, corolla.Eager())
		got := 0
		for buf := make([]byte, 64<<10); ; {
			n, err := b.Read(task, buf)
			got += n
			most = max(most, a.Buffered())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := writer.Await(task); err != nil || got != total {
			t.Errorf("received %d bytes, %v", got, err)
		}
		if most > 2*corolla.DefaultHighWater {
			t.Errorf("%d bytes were buffered", most)
		}
	})
}

func TestDeadlines(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		if err := b.SetReadDeadline(l.Time().Add(time.Millisecond)); err != nil {
			t.Error(err)
		}
		buf := make([]byte, 1)
		for range 2 { // it stays expired
			_, err := b.Read(task, buf)
			var ne net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("Read past its deadline: %v", err)
			}
		}
		_ = b.SetReadDeadline(time.Time{})
		reader := l.Go(func(task *corolla.Task) error { _, err := b.Read(task, buf); return err }, corolla.Eager())
		_ = b.SetDeadline(l.Time().Add(-time.Second)) // for one that waits already
		if _, err := reader.Await(task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a reader that waits: %v", err)
		}
		if _, err := b.Write(task, buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write past its deadline: %v", err)
		}
		_ = a.Close()
		if err := a.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetDeadline after Close: %v", err)
		}
	})
}

func TestOneReader(t *testing.T) { // asyncio rule 48
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		reader := l.Go(func(task *corolla.Task) error { _, err := b.Read(task, make([]byte, 1)); return err }, corolla.Eager())
		if _, err := b.Read(task, make([]byte, 1)); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("a second reader: %v", err)
		}
		writer := l.Go(func(task *corolla.Task) error { _, err := b.Write(task, make([]byte, stuffing)); return err }, corolla.Eager())
		if err := b.Abort(); err != nil {
			t.Error(err)
		}
		for what, f := range map[string]*corolla.Future[struct{}]{"reader": reader, "writer": writer} {
			if _, err := f.Await(task); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the %s of a connection that was aborted: %v", what, err)
			}
		}
		if err := b.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close after Abort: %v", err)
		}
	})
}

func TestCloseSendsWhatWasWritten(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(-1, 64<<20)
		send(t, task, a, strings.Repeat("x", stuffing)) // more than the system takes at once
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if _, err := a.Read(task, make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
		n, err := io.Copy(io.Discard, b.Bind(task))
		if n != stuffing || err != nil {
			t.Errorf("received %d bytes, %v", n, err)
		}
	})
}

func TestCloseDoesNotWaitForEverForItsPeer(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		c, err := aio.Dial(task, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		peer, err := ln.Accept(task)
		if err != nil {
			return err
		}
		defer peer.Close()
		c.SetWriteMarks(-1, 64<<20)
		send(t, task, c, strings.Repeat("x", 1<<20))
		if err := c.Close(); err != nil {
			return err
		}
		if err := task.Sleep(time.Minute); err != nil {
			return err
		}
		if n := w.Open(); n != 2 { // the listener and the peer
			t.Errorf("%d descriptors are open", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

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

func TestShutdownWaitsForClients(t *testing.T) { // differences 17, asyncio rule 49
	server(t, aio.MaxConns(0), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		a, b := dial(), dial()
		send(t, task, a, "x")
		if _, err := a.ReadFull(task, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		l := task.Loop()
		l.After(time.Second, func() { _ = a.Close(); _ = b.Close() })
		aborted, err := srv.Shutdown(task)
		if aborted != 0 || err != nil || l.Now() < time.Second || srv.Conns() != 0 {
			t.Errorf("Shutdown = %d, %v at %v", aborted, err, l.Now())
		}
	})
}

func TestShutdownAbortsClientsThatStay(t *testing.T) {
	server(t, aio.MaxConns(0), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		clients := []*aio.Conn{dial(), dial()}
		if err := task.Sleep(time.Second); err != nil {
			t.Fatal(err)
		}
		var aborted int
		err := task.Timeout(time.Second, func(*corolla.Scope) (err error) {
			aborted, err = srv.Shutdown(task)
			return err
		})
		if aborted != 2 || !errors.Is(err, os.ErrDeadlineExceeded) || srv.Conns() != 0 {
			t.Errorf("Shutdown = %d, %v", aborted, err)
		}
		for _, c := range clients {
			if _, err := c.Read(task, make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("a client that was aborted reads %v", err)
			}
			_ = c.Close()
		}
	})
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

func TestShutdownOfAConnectionThatWasJustAccepted(t *testing.T) {
	server(t, aio.MaxConns(0), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		c := dial()
		defer c.Close()
		for srv.Conns() == 0 { // accepted, and its task has not begun
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		err := task.Timeout(0, func(*corolla.Scope) error { _, err := srv.Shutdown(task); return err })
		if err == nil || srv.Conns() != 0 {
			t.Errorf("Shutdown = %v with %d connections", err, srv.Conns())
		}
	})
}

func TestSocketClosedUnderAWriter(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		writer := task.Loop().Go(func(task *corolla.Task) error {
			_, err := a.Write(task, make([]byte, 2*stuffing))
			return err
		}, corolla.Eager())
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
		if err := a.Socket().Close(); err != nil {
			t.Error(err)
		}
		if _, err := writer.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write = %v", err)
		}
	})
}

func TestResetAfterCloseLetsTheDescriptorGo(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(-1, 64<<20)
		send(t, task, a, strings.Repeat("x", stuffing)) // more than the system takes at once
		if err := errors.Join(a.Close(), b.Abort()); err != nil {
			t.Error(err)
		}
		err := task.Timeout(10*time.Second, func(*corolla.Scope) error {
			for !a.Socket().Closed() {
				if err := task.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("the socket stays open: %v", err)
		}
	})
}
