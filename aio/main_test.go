package aio_test

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

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

// onHosts runs test in a task of a real loop and of a simulated one, whose clocks agree with
// the certificates'.
func onHosts(t *testing.T, test func(t *testing.T, task *corolla.Task)) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			l, err := corolla.New(corolla.SlowLimit(0))
			if name == "sim" {
				if err == nil {
					err = l.Close()
				}
				l = sim.New(1, sim.Begin(time.Now())).NewLoop(corolla.SlowLimit(0))
			}
			leaktest.NeedLoop(t, err)
			if err := l.Run(func(task *corolla.Task) error { test(t, task); quiet(t, task); return nil }); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
		})
	}
}

func send(t *testing.T, task *corolla.Task, c *aio.Conn, s string) {
	t.Helper()
	if n, err := c.Write(task, []byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

// settle waits until something is so, which must come by itself.
func settle(t *testing.T, task *corolla.Task, so func() bool) {
	t.Helper()
	for !so() {
		if err := task.Sleep(time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// quiet waits until every socket of the loop is closed, as those are whose peers a test has closed,
// and no job runs, which nothing can stop.
func quiet(t *testing.T, task *corolla.Task) {
	t.Helper()
	if err := task.Timeout(10*time.Second, func(*corolla.Scope) error {
		for s := task.Loop().Stats(); s.Sockets > 0 || s.Jobs > 0; s = task.Loop().Stats() {
			if err := task.Sleep(100 * time.Microsecond); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// tlsPair puts TLS on both ends, with a as the client.
func tlsPair(t *testing.T, task *corolla.Task, ca *certtest.Authority, cert tls.Certificate, a, b *aio.Conn) {
	t.Helper()
	f := task.Loop().Go(func(task *corolla.Task) error {
		return b.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
	})
	err := a.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now})
	if _, e := f.Await(task); e != nil || err != nil {
		t.Fatal(err, e)
	}
}

func newCA(t *testing.T) (*certtest.Authority, tls.Certificate) {
	ca := certtest.New(t)
	return ca, ca.Issue(time.Time{}, "server.test")
}

// oneOf connects to a listener, and returns both ends.
func oneOf(t *testing.T, task *corolla.Task, ln *aio.Listener) (c, peer *aio.Conn) {
	t.Helper()
	dial := corolla.Go(task.Loop(), func(task *corolla.Task) (*aio.Conn, error) {
		return aio.Dial(task, "tcp", ln.Addr().String(), smallBuffers...)
	})
	c, err := ln.Accept(task)
	if err != nil {
		t.Fatal(err)
	}
	if peer, err = dial.Await(task); err != nil {
		t.Fatal(err)
	}
	return c, peer
}

func soon(t *corolla.Task) time.Time { return t.Loop().Time().Add(10 * time.Millisecond) }

// plainFile makes a file.
func plainFile(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// arrives sends from a to b, and waits until all is there.
func arrives(t *testing.T, task *corolla.Task, a, b *aio.Conn, text string) {
	t.Helper()
	send(t, task, a, text)
	if err := a.Flush(task); err != nil {
		t.Fatal(err)
	}
	if err := b.Socket().WaitReadable(task); err != nil {
		t.Fatal(err)
	}
}

func packets(t *testing.T, task *corolla.Task) *aio.PacketConn {
	t.Helper()
	c, err := aio.ListenPacket(task.Loop(), "udp", "127.0.0.1:0", corolla.ReadBuffer(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
