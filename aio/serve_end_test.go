package aio_test

import (
	"crypto/tls"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

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

// Serve that is canceled closes its listener: nobody connects to a server that is none.
func TestServeClosesItsListener(t *testing.T) {
	serving(t, echoes, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, served *corolla.Future[struct{}], _ *[]error) {
		c := connectTo(t, task, srv)
		if _, err := c.Write(task, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := answered(task, c); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if err := srv.Serve(task); !errors.Is(err, corolla.ErrBusy) { // while the other serves
			t.Errorf("a second Serve: %v", err)
		}
		c = connectTo(t, task, srv)
		_ = c.Close()
		served.Cancel(nil)
		if _, err := served.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Serve: %v", err)
		}
		if c, err := aio.Dial(task, "tcp", srv.Addr().String()); err == nil {
			t.Error("one connects behind the end of Serve")
			_ = c.Close()
		}
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

func TestAllWhoWantToKnowAreToldOfTheClose(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		said, s := "", a.Socket()
		for _, word := range []string{"a", "b", "c"} {
			s.OnClosed(func() { said += word })
		}
		_, _ = a.Abort(), a.Abort()
		s.OnClosed(func() { said += "d" })
		if said != "abcd" {
			t.Errorf("called: %q", said)
		}
	})
}
