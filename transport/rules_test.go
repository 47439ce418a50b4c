package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// The rules of asyncio and Twisted about connections that no other test of this package has, by
// number. (asyncio 37 to 46 are in transport_test.go, and so are Twisted's 25, 27 and 29, as
// differences have them; 32 is in package process.)

func TestRule47WaitingToSendFailsWhenTheConnectionIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		dial := l.Dial("tcp", ln.Addr().String())
		peer, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		sock, err := dial.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		var out corolla.Outbox
		out.Init(sock, func(error) {})
		for !out.Above() {
			if err := out.Write(make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		var waiting []*corolla.Future[struct{}]
		for range 3 { // many may wait at once
			waiting = append(waiting, l.Go(out.Wait))
		}
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
		if err := peer.Abort(); err != nil {
			t.Error(err)
		}
		for _, f := range waiting {
			if _, err := f.Await(task); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("Wait: %v", err)
			}
		}
		if err := out.Wait(task); err == nil {
			t.Error("Wait after the loss: no error")
		}
		_ = sock.Close()
	})
}

// served runs test with a server's protocol and a client in push style.
func served(t *testing.T, server, client *recorder, test func(t *testing.T, task *corolla.Task, srv *transport.Server, c *transport.Conn)) {
	t.Helper()
	s, q := *server, *client
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		*server, *client = s, q
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol { return server })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := transport.Dial(task.Loop(), "tcp", srv.Addr().String(), client).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return server.conn != nil })
		test(t, task, srv, c)
		c.Close()
		if err := client.wait(t, task); err == errNotRecorded {
			t.Error(err)
		}
		if err := server.wait(t, task); err == errNotRecorded {
			t.Error(err)
		}
	})
}

func TestTwistedRule23Order(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var said []string
		say := func(s string) { said = append(said, s) }
		server := &recorder{onOpen: func(*transport.Conn) { say("server opened") }}
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol { say("built"); return server })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		client := &recorder{onOpen: func(*transport.Conn) { say("client opened") }}
		f := transport.Dial(task.Loop(), "tcp", srv.Addr().String(), client)
		f.OnDone(func(*corolla.Future[*transport.Conn]) { say("future") })
		c, err := f.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return len(said) == 4 })
		order := strings.Join(said, ", ")
		for _, pair := range [][2]string{{"built", "server opened"}, {"client opened", "future"}} {
			if strings.Index(order, pair[0]) > strings.Index(order, pair[1]) {
				t.Errorf("%s: %s comes after %s", order, pair[0], pair[1])
			}
		}
		c.Close()
		_, _ = client.wait(t, task), server.wait(t, task)
	})
}

func TestTwistedRule24CloseStopsReadingAndRefusesWrites(t *testing.T) { // differences 8
	served(t, &recorder{}, &recorder{}, func(t *testing.T, task *corolla.Task, _ *transport.Server, c *transport.Conn) {
		server := c.Protocol().(*recorder)
		if err := c.Write([]byte("last")); err != nil {
			t.Error(err)
		}
		c.Close()
		if err := c.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after Close: %v", err)
		}
		if err := c.WriteBatch([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteBatch after Close: %v", err)
		}
		if strings.Contains(server.String(), "data") {
			t.Error("data after Close")
		}
	})
}

func TestTwistedRule26Reasons(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(c *transport.Conn)
		is     error // nil is none
		server func(error) bool
	}{
		"local close": {func(c *transport.Conn) { c.Close() }, nil, func(err error) bool { return err == nil }},
		"abort":       {func(c *transport.Conn) { c.Abort() }, nil, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
	} {
		t.Run(name, func(t *testing.T) {
			served(t, &recorder{}, &recorder{}, func(t *testing.T, task *corolla.Task, _ *transport.Server, conn *transport.Conn) {
				client := conn.Protocol().(*recorder)
				c.end(conn)
				if strings.Contains(client.String(), "closed") {
					t.Error("Closed was called before the call had returned")
				}
				if err := client.wait(t, task); !errors.Is(err, c.is) {
					t.Errorf("the client's reason: %v", err)
				}
			})
		})
	}
	t.Run("reset by the peer", func(t *testing.T) {
		server := &recorder{}
		served(t, server, &recorder{}, func(t *testing.T, task *corolla.Task, _ *transport.Server, conn *transport.Conn) {
			conn.Abort()
			if err := server.wait(t, task); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the reason: %v", err)
			}
		})
	})
	t.Run("a panic", func(t *testing.T) {
		server := &recorder{onData: func(*transport.Conn, []byte) { panic("in Data") }}
		served(t, server, &recorder{}, func(t *testing.T, task *corolla.Task, _ *transport.Server, conn *transport.Conn) {
			_ = conn.Write([]byte("x"))
			var p *corolla.PanicError
			if err := server.wait(t, task); !errors.As(err, &p) || fmt.Sprint(p.Value) != "in Data" {
				t.Errorf("the reason: %v", err)
			}
		})
	})
}

func TestTwistedRule28(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var protocols []*recorder
		refuse := false
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol {
			if refuse {
				return nil
			}
			protocols = append(protocols, &recorder{})
			return protocols[len(protocols)-1]
		})
		if err != nil {
			t.Fatal(err)
		}
		a, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return len(protocols) == 1 && protocols[0].conn != nil })
		refuse = true
		b, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(task, make([]byte, 1)); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("one for which nothing was built reads %v", err)
		}
		if err := srv.Close(); err != nil { // those that were accepted stay
			t.Error(err)
		}
		_ = protocols[0].conn.Write([]byte("x"))
		if _, err := a.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("after the server was closed: %v", err)
		}
		if _, err := aio.Dial(task, "tcp", a.RemoteAddr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial after the server was closed: %v", err)
		}
		_, _ = a.Close(), b.Close()
		_ = protocols[0].wait(t, task)
	})
}

func TestTwistedRule30And31(t *testing.T) { // as differences 6 has it: a loop can be run again
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		var order []string
		for _, s := range []string{"a", "b", "c"} {
			if err := l.Post(func() {
				order = append(order, s)
				if s == "a" {
					_ = l.Post(func() { order = append(order, "later") })
				}
			}); err != nil {
				t.Error(err)
			}
		}
		until(t, task, func() bool { return len(order) == 4 })
		if got := strings.Join(order, " "); got != "a b c later" {
			t.Errorf("posted functions ran as %s", got)
		}
	})
}
