package aio_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// serving runs test with a server on both hosts, and what reaches the error handler. The server is
// shut down behind it.
func serving(t *testing.T, handle func(*corolla.Task, *aio.Conn) error, opts []aio.ServeOption,
	test func(t *testing.T, task *corolla.Task, srv *aio.Server, served *corolla.Future[struct{}], log *[]error),
) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			var log []error
			set := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { log = append(log, err) })}
			var l *corolla.Loop
			if name == "sim" {
				l = sim.New(1).NewLoop(set...)
			} else {
				var err error
				l, err = corolla.New(set...)
				leaktest.NeedLoop(t, err)
			}
			if err := l.Run(func(task *corolla.Task) error {
				ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				srv := aio.NewServer(ln, handle, opts...)
				served := l.Go(srv.Serve)
				test(t, task, srv, served, &log)
				_, err = srv.Shutdown(task)
				_, _ = served.Await(task)
				quiet(t, task)
				return err
			}); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
			for _, err := range log {
				t.Error(err)
			}
		})
	}
}

func connectTo(t *testing.T, task *corolla.Task, srv *aio.Server) *aio.Conn {
	t.Helper()
	c, err := aio.Dial(task, "tcp", srv.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func echoes(task *corolla.Task, c *aio.Conn) error {
	_, err := io.Copy(c.Bind(task), c.Bind(task))
	return err
}

// answered reports whether c's byte comes back.
func answered(task *corolla.Task, c *aio.Conn) error {
	return task.Timeout(30*time.Millisecond, func(*corolla.Scope) error {
		_, err := c.ReadFull(task, make([]byte, 1))
		return err
	})
}

func TestHandlersAreChildrenOfServe(t *testing.T) {
	begun, ended := 0, 0
	type key struct{}
	handle := func(task *corolla.Task, c *aio.Conn) error {
		begun++
		if task.Value(key{}) != "of the server's" {
			return errors.New("a handler without the values of its server")
		}
		err := corolla.NewSemaphore(0).Acquire(task) // not for the connection
		_ = task.Shielded(func(*corolla.Scope) error { return task.Sleep(time.Millisecond) })
		ended++
		return err
	}
	serving(t, handle, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, served *corolla.Future[struct{}], _ *[]error) {
		begun, ended = 0, 0
		served.Cancel(nil) // this one has no values
		if _, err := served.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Serve canceled: %v", err)
		}
		ctx := context.WithValue(context.Background(), key{}, "of the server's")
		again := task.Loop().Go(srv.Serve, corolla.With(ctx))
		a, b := connectTo(t, task, srv), connectTo(t, task, srv)
		settle(t, task, func() bool { return begun == 2 })
		again.Cancel(errors.New("enough"))
		if _, err := again.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Serve canceled: %v", err)
		}
		if ended != 2 || srv.Conns() != 0 {
			t.Errorf("Serve returned before its handlers: %d have ended, %d connections", ended, srv.Conns())
		}
		for _, c := range []*aio.Conn{a, b} {
			if _, err := c.Read(task, make([]byte, 1)); err != io.EOF {
				t.Errorf("a client reads %v", err)
			}
			_ = c.Close()
		}
	})
}

func TestServeWaitsForItsHandlers(t *testing.T) { // asyncio rule 49
	serving(t, echoes, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, served *corolla.Future[struct{}], _ *[]error) {
		c := connectTo(t, task, srv)
		send(t, task, c, "x")
		if err := answered(task, c); err != nil {
			t.Error(err)
		}
		down := corolla.Go(task.Loop(), srv.Shutdown)
		for range 10 {
			if err := task.Sleep(100 * time.Microsecond); err != nil {
				t.Fatal(err)
			}
			if served.Done() || down.Done() {
				t.Fatal("it did not wait for a client")
			}
		}
		if _, err := aio.Dial(task, "tcp", c.RemoteAddr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		send(t, task, c, "y") // which is served to its end
		if err := answered(task, c); err != nil {
			t.Error(err)
		}
		_ = c.Close()
		if aborted, err := down.Await(task); aborted != 0 || err != nil {
			t.Errorf("Shutdown = %d, %v", aborted, err)
		}
		if _, err := served.Await(task); err != aio.ErrServerClosed {
			t.Errorf("Serve = %v", err)
		}
	})
}

// A handler may wait for something that has nothing to do with its connection.
func TestShutdownCancelsHandlers(t *testing.T) {
	waits := func(task *corolla.Task, _ *aio.Conn) error { return corolla.NewSemaphore(0).Acquire(task) }
	serving(t, waits, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], _ *[]error) {
		c := connectTo(t, task, srv)
		settle(t, task, func() bool { return srv.Conns() == 1 })
		var aborted int
		err := task.Timeout(0, func(*corolla.Scope) (err error) { aborted, err = srv.Shutdown(task); return err })
		if aborted != 1 || err == nil || srv.Conns() != 0 {
			t.Errorf("Shutdown = %d, %v, with %d connections", aborted, err, srv.Conns())
		}
		_ = c.Close()
	})
}

// What one handler does wrong is reported with its peer, and is no concern of the others.
func TestErrorsOfHandlersNameThePeer(t *testing.T) {
	handle := func(task *corolla.Task, c *aio.Conn) error {
		b := make([]byte, 1)
		for {
			if _, err := c.Read(task, b); err != nil {
				return err
			}
			switch b[0] {
			case 'e':
				return errors.New("of its own")
			case 'p':
				panic("a panic")
			}
			if _, err := c.Write(task, b); err != nil {
				return err
			}
		}
	}
	serving(t, handle, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], log *[]error) {
		other := connectTo(t, task, srv)
		for word, want := range map[string]string{"e": "of its own", "p": "a panic"} {
			*log = nil
			c := connectTo(t, task, srv)
			name := "tcp " + srv.Addr().String() + " -> " + c.LocalAddr().String()
			send(t, task, c, "x")
			if err := answered(task, c); err != nil {
				t.Error(err)
			}
			tasks := task.Loop().Tasks()
			listed := tasks[len(tasks)-1].String()
			for _, part := range []string{"TestErrorsOfHandlersNameThePeer.func1", name, "parked on reading"} {
				if !strings.Contains(listed, part) {
					t.Errorf("the list of tasks says %q, without %s", listed, part)
				}
			}
			send(t, task, c, word)
			end := error(io.EOF)
			if word == "p" {
				end = syscall.ECONNRESET
			}
			if _, err := c.Read(task, make([]byte, 1)); !errors.Is(err, end) {
				t.Errorf("the peer reads %v", err)
			}
			if len(*log) != 1 || !strings.Contains((*log)[0].Error(), want) || !strings.Contains((*log)[0].Error(), name) {
				t.Errorf("reported: %v, want %s with %s", *log, want, name)
			}
			_ = c.Close()
		}
		*log = nil
		send(t, task, other, "x")
		if err := answered(task, other); err != nil {
			t.Error(err)
		}
		_ = other.Close()
	})
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
		if err := answered(task, b); err == nil {
			t.Error("one that lingers has given its place to another")
		}
		_ = a.Abort()
		if _, err := b.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		_ = b.Abort()
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
						if err := answered(task, d); !errors.As(err, new(*corolla.TimeoutError)) {
							t.Errorf("one that should wait: %v", err)
						}
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
