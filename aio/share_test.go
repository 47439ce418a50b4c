package aio_test

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
)

// What stands in the way of Share, and is not changed by it.
func TestShareWhatCannotBe(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		reading := corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) { return a.Read(task, make([]byte, 1)) })
		_ = task.Yield() // it reads
		if _, _, err := a.Share(); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("while a task reads: %v", err)
		}
		send(t, task, b, "x")
		if n, err := reading.Await(task); n != 1 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		a.SetWriteMarks(0, 10<<20)
		send(t, task, a, string(make([]byte, 5<<20)))
		if _, _, err := a.Share(); err == nil || a.Buffered() == 0 {
			t.Errorf("with %d bytes unsent: %v", a.Buffered(), err)
		}
		_ = a.Abort() // with those
		if _, _, err := a.Share(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("when it is closed: %v", err)
		}
		if err := b.CloseWrite(); err != nil {
			t.Error(err)
		}
		if _, _, err := b.Share(); err == nil {
			t.Error("behind CloseWrite: no error")
		}
	})
}

func TestShareTLS(t *testing.T) {
	ca := certtest.New(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "server.test")}}
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, err := aio.ListenTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if _, err := ln.Adopt(nil, nil, nil); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a listener with TLS adopts: %v", err)
		}
		accepted := corolla.Go(task.Loop(), ln.Accept)
		c, err := aio.DialTLS(task, "tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Share(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Share: %v", err)
		}
		_ = c.Close()
		if s, err := accepted.Await(task); err == nil {
			_ = s.Abort()
		}
	})
}

// A server that is given connections counts them, and refuses none, unless it accepts no more.
func TestServerAdopts(t *testing.T) {
	server(t, aio.MaxConns(1), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		a := dial()
		send(t, task, a, "x")
		if _, err := a.ReadFull(task, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		other, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		for _, want := range []error{nil, aio.ErrServerClosed} {
			b, err := aio.Dial(task, "tcp", other.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c, err := other.Accept(task)
			if err != nil {
				t.Fatal(err)
			}
			if err := srv.Adopt(c); !errors.Is(err, want) {
				t.Errorf("Adopt: %v, want %v", err, want)
			}
			if want == nil {
				send(t, task, b, "y")
				if _, err := b.ReadFull(task, make([]byte, 1)); err != nil || srv.Conns() != 2 {
					t.Errorf("%v, with %d connections", err, srv.Conns())
				}
				_ = a.Close()
			}
			_ = b.Close()
			if _, err := srv.Shutdown(task); err != nil {
				t.Error(err)
			}
		}
	})
}
