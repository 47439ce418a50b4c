package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// records are of a log, one a string, without what differs from run to run.
type records struct{ lines []string }

func (r *records) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, slog.LevelKey:
			return slog.Attr{}
		case "local", "remote":
			if !strings.HasPrefix(a.Value.String(), "127.0.0.1:") {
				return slog.String(a.Key, "?")
			}
			return slog.Attr{}
		}
		return a
	}}))
}

func (r *records) Write(b []byte) (int, error) {
	r.lines = append(r.lines, strings.TrimSpace(string(b)))
	return len(b), nil
}

func (r *records) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(r.lines, want) {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(r.lines, "\n"), strings.Join(want, "\n"))
	}
}

// policed runs test on both hosts with a server whose connections obey the options, and a client.
func policed(t *testing.T, p func() transport.Protocol, opts func() []corolla.SocketOption, test func(t *testing.T, task *corolla.Task, client *aio.Conn)) {
	t.Helper()
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return p() }, transport.Options(opts()...))
		if err != nil {
			t.Fatal(err)
		}
		client, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		test(t, task, client)
		_, _ = client.Close(), srv.Close() // or the test has
	})
}

func TestTrafficIsLogged(t *testing.T) {
	for _, c := range []struct {
		format corolla.TrafficFormat
		most   int
		level  slog.Level
		want   string
	}{
		{corolla.AsText, 5, slog.LevelDebug, `open|read bytes=1 data=x|write bytes=11 data=hello more=6|write bytes=11 data="pass\n" more=6|` +
			`write bytes=4|end|close read=1 written=26`},
		{corolla.AsHex, -1, slog.LevelDebug, `open|read bytes=1 data=78|write bytes=11 data=68656c6c6f20776f726c64|` +
			`write bytes=11 data=706173730a776f72640d0a|write bytes=4|end|close read=1 written=26`},
		{corolla.AsText, 0, slog.LevelDebug, `open|read bytes=1|write bytes=11|write bytes=11|write bytes=4|end|close read=1 written=26`},
		{corolla.AsText, -1, slog.LevelInfo, ``},
	} {
		var log *records
		file := plainFile(t, "file")
		policed(t, func() transport.Protocol {
			return &recorder{onData: func(conn *transport.Conn, _ []byte) {
				_ = conn.Write([]byte("hello world"))
				_ = conn.WriteBatch([]byte("pass\nw"), []byte("ord\r\n"))
				conn.SendFile(file, 0, -1)
			}}
		}, func() []corolla.SocketOption {
			log = new(records)
			return []corolla.SocketOption{corolla.LogTraffic(log.logger(c.level), c.format, c.most)}
		}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
			mustWrite(t, task, client, "x")
			got := make([]byte, 26)
			if _, err := client.ReadFull(task, got); string(got) != "hello worldpass\nword\r\nfile" || err != nil {
				t.Errorf("the client got %q, %v", got, err)
			}
			if err := client.CloseWrite(); err != nil {
				t.Error(err)
			}
			until(t, task, func() bool { return task.Loop().Stats().Sockets == 2 }) // the listener's and the client's
			var want []string
			for _, line := range strings.Split(c.want, "|") {
				if what, rest, _ := strings.Cut(line, " "); what != "" {
					want = append(want, strings.TrimSpace("msg="+what+" network=tcp "+rest))
				}
			}
			log.want(t, want...)
		})
	}
}

// With TLS the log has what was said through it.
func TestTrafficThroughTLSIsLogged(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		log := new(records)
		srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}},
			func(*transport.Conn) transport.Protocol { return newLouder() }, transport.Options(corolla.LogTraffic(log.logger(slog.LevelDebug), corolla.AsText, 100)))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		client, err := aio.DialTLS(task, "tcp", srv.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, client, "x")
		if _, err := client.ReadFull(task, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		until(t, task, func() bool { return task.Loop().Stats().Sockets == 1 })
		log.want(t, "msg=open network=tcp", "msg=read network=tcp bytes=1 data=x", "msg=write network=tcp bytes=1 data=X",
			"msg=end network=tcp", "msg=close network=tcp read=1 written=1")
	})
}

// A handler that panics is reported, and the connection goes on. One that cannot take the addresses has nothing
// to log to.
func TestLogThatPanics(t *testing.T) {
	for name, c := range map[string]struct {
		handler slog.Handler
		times   int
	}{
		"records":   {panicking{}, 5}, // open, read, write, end, close
		"addresses": {panickingAtOnce{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return newLouder() },
					transport.Options(corolla.LogTraffic(slog.New(c.handler), corolla.AsText, 100)))
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, task, client, "x")
				b := make([]byte, 1)
				if _, err := client.ReadFull(task, b); string(b) != "X" || err != nil {
					t.Errorf("the answer is %q, %v", b, err)
				}
				if err := client.Close(); err != nil {
					t.Error(err)
				}
				until(t, task, func() bool { return task.Loop().Stats().Sockets == 1 })
				if len(*log) != c.times {
					t.Errorf("reported %d times: %v", len(*log), *log)
				}
			})
		})
	}
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool { panic("no log today") }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler     { return p }

type panickingAtOnce struct{ panicking }

func (panickingAtOnce) WithAttrs([]slog.Attr) slog.Handler { panic("no log today") }

// The limits of time that a listener is given hold for its connections, whatever their protocols do.
func TestLimitsOfTimeAsOptions(t *testing.T) {
	for name, c := range map[string]struct {
		opt    corolla.SocketOption
		talks  bool // the peer goes on talking
		writes int  // so many bytes, which the peer does not read
	}{
		"idle":              {opt: corolla.IdleTimeout(50 * time.Millisecond)},
		"life":              {opt: corolla.LifeTimeout(50 * time.Millisecond), talks: true},
		"idle, all unsent":  {opt: corolla.IdleTimeout(50 * time.Millisecond), writes: 8 << 20},
		"life, much unsent": {opt: corolla.LifeTimeout(50 * time.Millisecond), writes: 8 << 20, talks: true},
	} {
		t.Run(name, func(t *testing.T) {
			var server *recorder
			policed(t, func() transport.Protocol {
				server = &recorder{onOpen: func(conn *transport.Conn) {
					conn.SetTimeout(time.Hour) // is another limit
					_ = conn.Write(make([]byte, c.writes))
				}}
				return server
			}, func() []corolla.SocketOption { return append(smallBuffers, c.opt) }, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
				talker := task.Loop().Go(func(task *corolla.Task) error {
					for c.talks {
						if _, err := client.Write(task, []byte("x")); err != nil {
							return err
						}
						if err := task.Sleep(time.Millisecond); err != nil {
							return err
						}
					}
					return nil
				})
				until(t, task, func() bool { return server != nil })
				var late *corolla.TimeoutError
				if err := server.wait(t, task); !errors.As(err, &late) || late.After != 50*time.Millisecond {
					t.Errorf("Closed got %v", err)
				}
				got, err := readAll(t, task, client)
				if c.writes > 0 && (err == io.EOF || len(got) >= c.writes) || c.writes == 0 && !c.talks && err != io.EOF {
					t.Errorf("the peer got %d bytes, %v", len(got), err)
				}
				talker.Cancel(nil)
				_, _ = talker.Await(task)
			})
		})
	}
}

// Neither waiting for a limiter nor a peer that is slow is idleness.
func TestThrottledConnectionIsNotIdle(t *testing.T) {
	l := sim.New(1).NewLoop() // whose time is exact
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		lim := corolla.NewLimiter(10)
		text := strings.Repeat("x", 100)
		var served []*recorder
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			served = append(served, &recorder{onOpen: func(c *transport.Conn) { _ = c.Write([]byte(text)) }})
			return served[len(served)-1]
		}, transport.Options(corolla.ThrottleShared(lim, lim), corolla.IdleTimeout(time.Second)))
		if err != nil {
			return err
		}
		var clients []*aio.Conn
		for range 20 { // so that each has a turn every few seconds
			c, err := aio.Dial(task, "tcp", srv.Addr().String())
			if err != nil {
				return err
			}
			mustWrite(t, task, c, text)
			clients = append(clients, c)
		}
		for i, c := range clients {
			if n, err := c.ReadFull(task, make([]byte, len(text))); err != nil {
				t.Errorf("client %d read %d bytes: %v", i, n, err)
			}
		}
		for _, s := range served {
			if err := s.wait(t, task); !errors.Is(err, os.ErrDeadlineExceeded) { // now they are idle
				t.Errorf("closed with %v", err)
			}
		}
		for _, c := range clients {
			_ = c.Close() // it was open on this side
		}
		return srv.Close()
	}); err != nil {
		t.Error(err)
	}
}

// A protocol that pauses while its connection waits for its turn gets nothing until it resumes.
func TestPauseWhileThrottled(t *testing.T) {
	text := strings.Repeat("0123456789", 2000)
	var got bytes.Buffer
	policed(t, func() transport.Protocol {
		got.Reset()
		paused := false
		return &recorder{onData: func(c *transport.Conn, b []byte) {
			if paused {
				t.Error("Data was called while reading is paused")
			}
			got.Write(b)
			paused = true
			c.PauseReading()
			c.Socket().Loop().After(70*time.Millisecond, func() { paused = false; c.ResumeReading() })
		}}
	}, func() []corolla.SocketOption { return []corolla.SocketOption{corolla.Throttle(100_000, 0)} }, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, text)
		until(t, task, func() bool { return got.Len() == len(text) })
		if got.String() != text {
			t.Error("the bytes are not those that were sent")
		}
	})
}

// The last word for those who are refused does not wait for the limiter, which others have used up, and
// one who does not read it holds nothing up.
func TestRefusalIsNotThrottled(t *testing.T) {
	l := sim.New(1).NewLoop() // whose time is exact
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		lim := corolla.NewLimiter(1)
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			return &recorder{onOpen: func(c *transport.Conn) { _ = c.Write(make([]byte, 1000)) }}
		}, transport.MaxConns(1), transport.Refuse(func(net.Addr) []byte { return []byte("busy") }), transport.Options(corolla.ThrottleShared(nil, lim)))
		if err != nil {
			return err
		}
		dial := func() *aio.Conn {
			c, err := aio.Dial(task, "tcp", srv.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		first := dial()
		until(t, task, func() bool { return lim.Stats().Waiting == 1 })
		deaf := dial()
		before := l.Now()
		second := dial()
		if got, err := readAll(t, task, second); got != "busy" || err != io.EOF {
			t.Errorf("one that is refused read %q, %v", got, err)
		}
		if took := l.Now() - before; took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		_, _ = first.Abort(), second.Close()
		until(t, task, func() bool { return l.Stats().Sockets == 2 }) // the listener's and the one that does not read
		_ = deaf.Close()
		err = srv.Close()
		quiet(t, task)
		return err
	}); err != nil {
		t.Error(err)
	}
}
