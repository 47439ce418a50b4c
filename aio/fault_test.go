package aio_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// A session is a server and a client that sends, half-closes, and reads what comes back. The
// tests below let every call to the system that it makes go wrong, one at a time.

const sessionBytes = 100_000

// taskServer and pushServer echo at a free port and return the address, and how to stop.
func taskServer(l *corolla.Loop) (string, io.Closer, error) {
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	l.Go(func(t *corolla.Task) error { return aio.NewServer(ln, echoes).Serve(t) })
	return ln.Addr().String(), ln, nil
}

type echo struct{}

func (echo) Opened(*transport.Conn)           {}
func (echo) Data(c *transport.Conn, b []byte) { _ = c.Write(b) }
func (echo) Closed(*transport.Conn, error)    {}

func pushServer(l *corolla.Loop) (string, io.Closer, error) {
	srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return echo{} })
	if err != nil {
		return "", nil, err
	}
	return srv.Addr().String(), srv, nil
}

// session returns an error unless everything comes back.
func session(t *corolla.Task, serve func(*corolla.Loop) (string, io.Closer, error)) error {
	addr, ln, err := serve(t.Loop())
	if err != nil {
		return err
	}
	defer ln.Close()
	return t.Timeout(2*time.Second, func(*corolla.Scope) error {
		c, err := aio.Dial(t, "tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		return t.Group(func(g *corolla.Group) error {
			g.Go(func(t *corolla.Task) error {
				_, err := c.Write(t, make([]byte, sessionBytes))
				return errors.Join(err, c.CloseWrite())
			})
			n, err := io.Copy(io.Discard, c.Bind(t))
			if err == nil && n != sessionBytes {
				err = fmt.Errorf("%d of %d bytes came back", n, sessionBytes)
			}
			return err
		})
	})
}

func TestFaults(t *testing.T) {
	for name, serve := range map[string]func(*corolla.Loop) (string, io.Closer, error){"task": taskServer, "push": pushServer} {
		for _, on := range []string{"real", "sim"} {
			for fault := range hosttest.Faults {
				t.Run(fmt.Sprint(name, "/", on, "/", fault), func(t *testing.T) {
					t.Parallel() // who cannot accept tries again after a second
					calls := 0
					for at := 1; ; at++ {
						hit := faulted(t, serve, on, fault, at)
						if hit == "" {
							break // the session makes no more calls
						}
						calls++
						if t.Failed() {
							t.Fatalf("with the fault in call %d, a %s", at, hit)
						}
						if on == "real" && at == 60 {
							break // how many there are depends on the system's buffers
						}
					}
					if calls == 0 {
						t.Error("the fault never came about")
					}
				})
			}
		}
	}
}

// faulted runs a session in which one call goes wrong, and returns which it was.
func faulted(t *testing.T, serve func(*corolla.Loop) (string, io.Closer, error), on string, fault hosttest.Fault, at int) string {
	f := &hosttest.Faulty{Fault: fault, At: at}
	opts := []corolla.Option{corolla.SlowLimit(0), hosttest.Between(func(h host.Host) host.Host {
		f.Host = h
		return f
	}), corolla.ErrorHandler(func(err error) {
		if fault.Harmless() {
			t.Errorf("error handler: %v", err)
		}
		var p *corolla.PanicError
		if errors.As(err, &p) {
			t.Errorf("%v\n%s", err, p.Stack)
		}
	})}
	var w *sim.World
	var l *corolla.Loop
	if on == "sim" {
		w = sim.New(uint64(at), sim.Latency(50*time.Microsecond, 100*time.Microsecond))
		l = w.NewLoop(opts...)
	} else {
		var err error
		l, err = corolla.New(opts...)
		leaktest.NeedLoop(t, err)
	}
	err := l.Run(func(task *corolla.Task) error {
		err := session(task, serve)
		quiet(t, task)
		return err
	})
	var dead *corolla.DeadlockError
	if errors.As(err, &dead) || fault.Harmless() && err != nil {
		t.Errorf("Run = %v", err)
	}
	leaktest.Close(t, l)
	if w != nil && w.Open() != 0 {
		t.Errorf("%d descriptors are open", w.Open())
	}
	return f.Hit
}
