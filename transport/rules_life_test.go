package transport_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

// life is a connection between two protocols, in the clear or with TLS, and what each side was told.
type life struct {
	*testing.T
	task           *corolla.Task
	secure         bool
	server, client *recorder
	srv            *transport.Server
	log            *[]error
}

// lives runs test with an open connection, on both hosts, without and with TLS. prepare, which may be nil, comes
// before the connection is made.
func lives(t *testing.T, prepare, test func(x *life)) {
	t.Helper()
	ca := certtest.New(t)
	cert := ca.Issue(time.Now().Add(time.Hour), "server.test")
	for _, kind := range []string{"plain", "tls"} {
		t.Run(kind, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				x := &life{t, task, kind == "tls", &recorder{}, &recorder{}, nil, log}
				if prepare != nil {
					prepare(x)
				}
				build := func(*transport.Conn) transport.Protocol { x.server.say("build"); return x.server }
				cfg := &tls.Config{Certificates: []tls.Certificate{cert}}
				var err error
				if x.secure {
					x.srv, err = transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg, build, transport.Options(smallBuffers...))
				} else {
					x.srv, err = transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", build, transport.Options(smallBuffers...))
				}
				if err != nil {
					t.Fatal(err)
				}
				var dialed *corolla.Future[*transport.Conn]
				if addr := x.srv.Addr().String(); x.secure {
					trust := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}
					dialed = transport.DialTLS(task.Loop(), "tcp", addr, trust, x.client, smallBuffers...)
				} else {
					dialed = transport.Dial(task.Loop(), "tcp", addr, x.client, smallBuffers...)
				}
				dialed.OnDone(func(*corolla.Future[*transport.Conn]) { x.client.say("future") })
				if _, err := dialed.Await(task); err != nil {
					t.Fatal(err)
				}
				until(t, task, func() bool { return x.server.conn != nil })
				test(x)
				x.client.conn.Abort() // or it is over
				x.server.conn.Abort()
				_, _ = x.client.wait(t, task), x.server.wait(t, task)
				_ = x.srv.Close() // or the test has
			})
		})
	}
}

// turns lets some turns pass.
func (x *life) turns(n int) {
	x.Helper()
	for range n {
		if err := x.task.Yield(); err != nil {
			x.Fatal(err)
		}
	}
}

// TestRule23Order: build, Opened, and the future, on each side; then Closed, once, and nothing behind it.
func TestRule23Order(t *testing.T) {
	for name, end := range map[string]func(x *life){
		"the client closes": func(x *life) { x.client.conn.Close() },
		"the server closes": func(x *life) { x.server.conn.Close() },
		"the client aborts": func(x *life) { x.client.conn.Abort() },
		"the server aborts": func(x *life) { x.server.conn.Abort() },
		"both close":        func(x *life) { x.client.conn.Close(); x.server.conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			lives(t, nil, func(x *life) {
				if got := x.client.String(); got != "opened future" {
					x.Errorf("the client was told %q before its future was awaited", got)
				}
				_ = x.client.conn.Write([]byte("x"))
				until(x.T, x.task, func() bool { return strings.HasSuffix(x.server.String(), "data") })
				end(x)
				_, _ = x.client.wait(x.T, x.task), x.server.wait(x.T, x.task)
				x.client.conn.Close()
				x.server.conn.Abort()
				x.turns(20)
				if c, s := x.client.String(), x.server.String(); c != "opened future closed" || s != "build opened data closed" {
					x.Errorf("the client was told %q, the server %q", c, s)
				}
			})
		})
	}
}

// TestRule24CloseFlushesAndReadsNoMore: what was written before it arrives, what is written behind it is refused, with
// and without TLS (Twisted still sends the latter), and what the peer sends meanwhile is not delivered. If it does, the
// system resets the connection when it is closed, as what came was not read, so all of it arrives at a quiet peer only.
func TestRule24CloseFlushesAndReadsNoMore(t *testing.T) {
	const size = 300_000
	got, deliveries := 0, 0
	for _, second := range []string{"", "second"} {
		t.Run(second, func(t *testing.T) {
			lives(t, func(x *life) {
				got, deliveries = 0, 0
				x.client.onData = func(_ *transport.Conn, b []byte) { got += len(b) }
				x.server.onData = func(c *transport.Conn, _ []byte) {
					deliveries++
					_ = c.Write(make([]byte, size))
					c.Close()
					if err := c.Write([]byte("AFTER")); !errors.Is(err, net.ErrClosed) {
						x.Errorf("a write after Close: %v", err)
					}
					if c.Buffered() == 0 {
						x.Error("nothing was left to flush")
					}
				}
			}, func(x *life) {
				x.client.conn.PauseReading()
				_ = x.client.conn.Write([]byte("first"))
				until(x.T, x.task, func() bool { return deliveries == 1 })
				if second != "" {
					_ = x.client.conn.Write([]byte(second))
				}
				x.turns(20)
				x.client.conn.ResumeReading()
				err := x.client.wait(x.T, x.task)
				if second == "" && (got != size || err != nil) || deliveries != 1 {
					x.Errorf("the client got %d bytes of %d, %v; the server got data %d times", got, size, err, deliveries)
				}
			})
		})
	}
}

// held is a producer of both kinds that does nothing by itself.
type held struct{ said []string }

func (h *held) Pause()  { h.said = append(h.said, "pause") }
func (h *held) Resume() { h.said = append(h.said, "resume") }
func (h *held) Stop()   { h.said = append(h.said, "stop") }

// TestRule25CloseWaitsForProducers, of either kind, paused or not (Twisted does not wait for a push producer that is not
// paused), and what they write then still arrives.
func TestRule25CloseWaitsForProducers(t *testing.T) {
	for name, register := range map[string]func(c *transport.Conn, h *held) error{
		"pull": func(c *transport.Conn, h *held) error { return c.RegisterPullProducer(h) },
		"push": func(c *transport.Conn, h *held) error { return c.RegisterProducer(h) },
		"paused push": func(c *transport.Conn, h *held) error {
			defer func() { _ = c.Write(make([]byte, stuffing)) }()
			return c.RegisterProducer(h)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := 0
			lives(t, func(x *life) {
				got = 0
				x.client.onData = func(_ *transport.Conn, b []byte) { got += len(b) }
			}, func(x *life) {
				h, c := &held{}, x.server.conn
				x.client.conn.PauseReading()
				if err := register(c, h); err != nil {
					x.Fatal(err)
				}
				wrote := c.Buffered() > 0
				c.Close()
				if wrote != (name == "paused push") || wrote && h.said[0] != "pause" {
					x.Errorf("with %d bytes buffered the producer was told %v", c.Buffered(), h.said)
				}
				x.client.conn.ResumeReading()
				until(x.T, x.task, func() bool { return c.Buffered() == 0 })
				x.turns(20)
				if s := x.server.String(); s != "build opened" {
					x.Errorf("Close has not waited: %s", s)
				}
				if err := c.Write([]byte("the last of it")); err != nil {
					x.Errorf("the producer's write: %v", err)
				}
				c.UnregisterProducer()
				if err := c.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
					x.Errorf("a write after that: %v", err)
				}
				if err := errors.Join(x.client.wait(x.T, x.task), x.server.wait(x.T, x.task)); err != nil {
					x.Error(err)
				}
				want := len("the last of it")
				if wrote {
					want += stuffing
				}
				if got != want || strings.Contains(fmt.Sprint(h.said), "stop") {
					x.Errorf("the client got %d bytes, want %d; the producer was told %v", got, want, h.said)
				}
			})
		})
	}
}

// TestRule26Reasons: what Closed gets on each side. After an Abort it comes when that has returned.
func TestRule26Reasons(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		end            func(x *life)
		server, client error
		overTLS        error // what both get with TLS, if that differs
		reported       bool
	}{
		"the server closes": {end: func(x *life) { x.server.conn.Close() }},
		"the client closes": {end: func(x *life) { x.client.conn.Close() }},
		"the server aborts": {end: func(x *life) {
			x.server.conn.Abort()
			if s := x.server.String(); strings.Contains(s, "closed") {
				x.Errorf("Closed was called within Abort: %s", s)
			}
		}, server: transport.ErrAborted, client: syscall.ECONNRESET},
		"the server's Data panics": {end: func(x *life) {
			x.server.onData = func(*transport.Conn, []byte) { panic(broken) }
			_ = x.client.conn.Write([]byte("x"))
		}, server: broken, client: syscall.ECONNRESET, reported: true},
		"the server's socket is closed": {end: func(x *life) { _ = x.server.conn.Socket().CloseWrite() }, overTLS: transport.ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			lives(t, nil, func(x *life) {
				c.end(x)
				client, server := x.client.wait(x.T, x.task), error(nil)
				x.client.conn.Close()
				server = x.server.wait(x.T, x.task)
				want, wantServer := c.client, c.server
				if x.secure && c.overTLS != nil {
					want, wantServer = c.overTLS, c.overTLS
				}
				var p *corolla.PanicError
				switch {
				case !errors.Is(client, want) || (client == nil) != (want == nil):
					x.Errorf("the client's Closed got %v, want %v", client, want)
				case c.reported:
					if !errors.As(server, &p) || p.Value != broken || len(*x.log) != 1 {
						x.Errorf("the server's Closed got %v; reported: %v", server, *x.log)
					}
				case !errors.Is(server, wantServer) || (server == nil) != (wantServer == nil) || len(*x.log) != 0:
					x.Errorf("the server's Closed got %v, want %v; reported: %v", server, wantServer, *x.log)
				}
			})
		})
	}
}

// TestRule28ClosedServerKeepsConnections: Close ends accepting only.
func TestRule28ClosedServerKeepsConnections(t *testing.T) {
	lives(t, func(x *life) {
		x.server.onData = func(c *transport.Conn, b []byte) { _ = c.Write(b) }
	}, func(x *life) {
		if err := x.srv.Close(); err != nil {
			x.Error(err)
		}
		if err := x.srv.Close(); !errors.Is(err, net.ErrClosed) {
			x.Errorf("a second Close: %v", err)
		}
		_ = x.client.conn.Write([]byte("x"))
		until(x.T, x.task, func() bool { return x.client.String() == "opened future data" })
		if n := x.srv.Conns(); n != 1 {
			x.Errorf("%d connections", n)
		}
		if c, err := aio.Dial(x.task, "tcp", x.srv.Addr().String()); err == nil {
			_ = c.Close()
			x.Error("a closed server accepts")
		}
		x.client.conn.Close()
		if err := errors.Join(x.client.wait(x.T, x.task), x.server.wait(x.T, x.task)); err != nil && err != io.EOF {
			x.Error(err)
		}
	})
}
