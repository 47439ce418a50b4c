package aio_test

import (
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
)

// nested connects to an echo with TLS, by way of a relay that is spoken to by TLS. The relay tells the end
// of what came from the client.
func nested(t *testing.T, task *corolla.Task, ca *certtest.Authority) (c *aio.Conn, relayed *corolla.Future[error], stop func()) {
	t.Helper()
	l := task.Loop()
	cert := func(name string) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, name)}, Time: time.Now}
	}
	ln, addr := echoTLS(t, l, cert("server.test"))
	outer, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", cert("relay.test"))
	if err != nil {
		t.Fatal(err)
	}
	relayed = corolla.NewFuture[error](l)
	l.Go(func(task *corolla.Task) error {
		a, err := outer.Accept(task)
		if err != nil {
			return err
		}
		b, err := aio.Dial(task, "tcp", addr)
		if err != nil {
			return err
		}
		defer func() { _, _ = a.Close(), b.Close() }()
		return task.Group(func(g *corolla.Group) error {
			g.Go(func(task *corolla.Task) error {
				_, err := aio.Copy(task, a, b)
				return errors.Join(err, a.CloseWrite())
			})
			_, err := aio.Copy(task, b, a)
			_ = relayed.Resolve(err)
			return b.CloseWrite()
		})
	})
	c, err = aio.DialTLS(task, "tcp", outer.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "relay.test", Time: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c, relayed, func() { _, _ = ln.Close(), outer.Close() }
}

func TestInnerTLS(t *testing.T) {
	ca := certtest.New(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		c, relayed, stop := nested(t, task, ca)
		defer stop()
		if err := c.InnerTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now}); err != nil {
			t.Fatal(err)
		}
		if s, ok := c.TLS(); !ok || s.ServerName != "server.test" {
			t.Errorf("the state is of TLS with %q", s.ServerName)
		}
		if _, err := c.Move(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("moved: %v", err)
		}
		data := strings.Repeat("corolla", 100_000)
		sender := task.Loop().Go(func(task *corolla.Task) error {
			_, err := c.Write(task, []byte(data))
			return errors.Join(err, c.CloseWrite())
		})
		got, err := io.ReadAll(c.Bind(task))
		if string(got) != data || err != nil {
			t.Errorf("%d bytes of %d came back: %v", len(got), len(data), err)
		}
		if _, err := sender.Await(task); err != nil {
			t.Error(err)
		}
		if err, _ := relayed.Await(task); err != nil { // else there was no close_notify
			t.Errorf("the outer TLS ended with %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestInnerTLSFails looks at what must be there before, and at a server that is not who it should be.
func TestInnerTLSFails(t *testing.T) {
	ca := certtest.New(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, _ *aio.Conn) {
		if err := a.InnerTLS(task, nil); err == nil {
			t.Error("TLS is inside of nothing")
		}
		c, _, stop := nested(t, task, ca)
		defer stop()
		err := c.InnerTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "other.test", Time: time.Now})
		if err == nil || !strings.Contains(err.Error(), "other.test") {
			t.Errorf("a wrong name: %v", err)
		}
		if _, err := c.Write(task, []byte("x")); err == nil {
			t.Error("written after a handshake that failed")
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
