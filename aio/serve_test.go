package aio_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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

// answered waits until c's byte comes back.
func answered(task *corolla.Task, c *aio.Conn) error { return answeredWithin(task, c, time.Minute) }

func answeredWithin(task *corolla.Task, c *aio.Conn, limit time.Duration) error {
	return task.Timeout(limit, func(*corolla.Scope) error {
		_, err := c.ReadFull(task, make([]byte, 1))
		return err
	})
}

// wantNoAnswer gives a server a moment to say what it should not.
func wantNoAnswer(t *testing.T, task *corolla.Task, c *aio.Conn) {
	t.Helper()
	if err := answeredWithin(task, c, 30*time.Millisecond); !errors.As(err, new(*corolla.TimeoutError)) {
		t.Errorf("a connection that has no place: %v", err)
	}
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

// What ends a connection is no news; what a handler meets elsewhere is.
func TestServeReportsWhatIsNotTheConnectionsEnd(t *testing.T) {
	for _, c := range []struct {
		err      error
		reported bool
	}{
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
		{io.ErrUnexpectedEOF, false},
		{&net.OpError{Op: "handshake", Err: x509.UnknownAuthorityError{}}, true},
		{errors.New("of its own"), true},
	} {
		var reported []error
		l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { reported = append(reported, err) }))
		if err := l.Run(func(task *corolla.Task) error {
			ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			srv := aio.NewServer(ln, func(*corolla.Task, *aio.Conn) error { return c.err })
			l.Go(srv.Serve)
			client, err := aio.Dial(task, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			if _, err := client.Read(task, make([]byte, 1)); err != io.EOF {
				t.Errorf("Read: %v", err)
			}
			_, err = srv.Shutdown(task)
			return errors.Join(err, client.Close())
		}); err != nil {
			t.Error(err)
		}
		leaktest.Close(t, l)
		if (len(reported) == 1 && errors.Is(reported[0], c.err)) != c.reported {
			t.Errorf("%v: reported %v", c.err, reported)
		}
	}
}

// A handler that panics in mid-answer resets its connection, so that half of the answer does not pass
// for the whole.
func TestPanicOfAHandlerResets(t *testing.T) {
	handle := func(task *corolla.Task, c *aio.Conn) error {
		if _, err := c.Write(task, []byte("half an ans")); err != nil {
			return err
		}
		panic("in mid-answer")
	}
	ca, cert := newCA(t)
	reads := func(t *testing.T, task *corolla.Task, c *aio.Conn, log *[]error) {
		t.Helper()
		if got, err := io.ReadAll(c.Bind(task)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer reads %q, %v", got, err)
		}
		if len(*log) != 1 || !errors.As((*log)[0], new(*corolla.PanicError)) {
			t.Errorf("reported: %v", *log)
		}
		*log = nil
		_ = c.Close()
	}
	t.Run("plain", func(t *testing.T) {
		serving(t, handle, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], log *[]error) {
			reads(t, task, connectTo(t, task, srv), log)
		})
	})
	t.Run("TLS", func(t *testing.T) {
		serving(t, func(task *corolla.Task, c *aio.Conn) error {
			if err := c.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now}); err != nil {
				return err
			}
			return handle(task, c)
		}, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], log *[]error) {
			c := connectTo(t, task, srv)
			if err := c.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now}); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Error(err)
			}
			reads(t, task, c, log)
		})
	})
}

// What a handler has said and closed is sent, though it panics behind that.
func TestPanicBehindCloseLosesNothing(t *testing.T) {
	serving(t, func(task *corolla.Task, c *aio.Conn) error {
		_, _ = c.Write(task, []byte("all"))
		_ = c.Close()
		panic("afterwards")
	}, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], log *[]error) {
		c := connectTo(t, task, srv)
		if got, err := io.ReadAll(c.Bind(task)); string(got) != "all" || err != nil {
			t.Errorf("the peer reads %q, %v", got, err)
		}
		*log = nil
		_ = c.Close()
	})
}
