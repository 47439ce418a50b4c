package aio_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// heard waits until something may be read from c, and reads it.
func heard(t *testing.T, task *corolla.Task, c *aio.Conn) (string, error) {
	t.Helper()
	b := make([]byte, 100)
	for {
		if n, err := c.TryRead(b); err != corolla.ErrWouldBlock {
			return string(b[:n]), err
		}
		var called corolla.Event
		if err := c.OnceReadable(called.Set); err != nil {
			t.Fatal(err)
		}
		if err := called.Wait(task); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadWithoutTask(t *testing.T) {
	for _, secure := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "TLS"}[secure]
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task) { readWithoutTask(t, task, secure) })
		})
	}
}

func readWithoutTask(t *testing.T, task *corolla.Task, secure bool) {
	l := task.Loop()
	ca, cert := newCA(t)
	var ln *aio.Listener
	var err error
	if secure {
		ln, err = aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
	} else {
		ln, err = aio.Listen(l, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	var b *aio.Conn
	var accepted corolla.Event
	srv := aio.NewAcceptor(ln, func(c *aio.Conn) { b = c; accepted.Set() })
	serving := l.Go(srv.Serve)
	a, err := aio.Dial(task, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := accepted.Wait(task); err != nil {
		t.Fatal(err)
	}
	first := corolla.Go(l, func(task *corolla.Task) (string, error) { return heard(t, task, b) })
	if err := task.Yield(); err != nil { // so that it waits before the handshake, if there is one
		t.Fatal(err)
	}
	if secure {
		if err := a.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now}); err != nil {
			t.Fatal(err)
		}
	}
	send(t, task, a, "one")
	if got, err := first.Await(task); got != "one" || err != nil {
		t.Errorf("heard %q, %v", got, err)
	}
	send(t, task, a, "two")
	if got, err := heard(t, task, b); got != "two" || err != nil {
		t.Errorf("heard %q, %v", got, err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Error(err)
	}
	if _, err := heard(t, task, b); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if s := l.Stats(); s.Tasks != 2 { // this one and Serve's
		t.Errorf("%d tasks", s.Tasks)
	}
	if _, err := srv.Shutdown(task); err != nil {
		t.Error(err)
	}
	if _, err := serving.Await(task); err != aio.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
	for _, c := range []*aio.Conn{a, b} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOnceReadableRefusals(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		calls := 0
		count := func() { calls++ }
		if err := a.OnceReadable(count); err != nil {
			t.Fatal(err)
		}
		if err := a.OnceReadable(count); err != corolla.ErrBusy {
			t.Errorf("a second function: %v", err)
		}
		if _, err := a.Read(task, make([]byte, 1)); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("a task beside it: %v", err)
		}
		if err := a.OnceReadable(nil); err != nil {
			t.Error(err)
		}
		reading := task.Loop().Go(func(task *corolla.Task) error {
			_, err := a.Read(task, make([]byte, 1))
			return err
		}, corolla.Eager())
		if _, err := a.TryRead(make([]byte, 1)); err != corolla.ErrBusy {
			t.Errorf("TryRead beside a task: %v", err)
		}
		if err := a.OnceReadable(count); err != corolla.ErrBusy {
			t.Errorf("OnceReadable beside a task: %v", err)
		}
		send(t, task, b, "x")
		if _, err := reading.Await(task); err != nil {
			t.Error(err)
		}
		if err := a.OnceReadable(count); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		settle(t, task, func() bool { return calls > 0 })
		if _, err := a.TryRead(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("TryRead after Close: %v", err)
		}
		if calls != 1 {
			t.Errorf("called %d times", calls)
		}
	})
}

// A handshake that fails, or is cut off, is heard of too.
func TestOnceReadableHearsOfTheHandshake(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		_, cert := newCA(t)
		for _, end := range []func(c, peer *aio.Conn) error{
			func(_, peer *aio.Conn) error { return peer.TryWrite([]byte("GET / HTTP/1.1\r\n\r\n")) },
			func(_, peer *aio.Conn) error { return peer.Abort() },
			func(c, _ *aio.Conn) error { return c.Close() },
			func(c, _ *aio.Conn) error { return c.Abort() },
		} {
			ln, err := aio.ListenTLS(task.Loop(), "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			c, peer := oneOf(t, task, ln)
			var called corolla.Event
			if _, err := c.TryRead(make([]byte, 1)); err != corolla.ErrWouldBlock {
				t.Fatalf("before the handshake: %v", err)
			}
			if err := c.OnceReadable(called.Set); err != nil {
				t.Fatal(err)
			}
			if err := end(c, peer); err != nil {
				t.Error(err)
			}
			if err := called.Wait(task); err != nil {
				t.Fatal(err)
			}
			if _, err := c.TryRead(make([]byte, 1)); err == nil || err == corolla.ErrWouldBlock {
				t.Errorf("afterwards: %v", err)
			}
			for _, c := range []*aio.Conn{c, peer} {
				_ = c.Abort() // or it is closed already
			}
			_ = ln.Close() // or oneOf has closed it
		}
	})
}

func TestWriteBatch(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		for _, sizes := range [][]int{{0, 3, 0, 5}, {10, stuffing, 7}, {}} {
			var pieces [][]byte
			for i, n := range sizes {
				pieces = append(pieces, bytes.Repeat([]byte{'a' + byte(i)}, n))
			}
			want := bytes.Join(pieces, nil)
			got := make([]byte, len(want))
			reading := corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) { return b.ReadFull(task, got) })
			if n, err := a.WriteBatch(task, pieces); n != len(want) || err != nil {
				t.Errorf("WriteBatch of %v = %d, %v", sizes, n, err)
			}
			if len(want) > 0 {
				if _, err := reading.Await(task); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%v arrived otherwise: %v", sizes, err)
				}
			} else {
				reading.Cancel(nil)
			}
		}
		if err := a.CloseWrite(); err != nil {
			t.Error(err)
		}
		if _, err := a.WriteBatch(task, [][]byte{{1}}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after CloseWrite: %v", err)
		}
	})
}
