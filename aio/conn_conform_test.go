package aio_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// The cases of x/net's nettest, written as tasks, for Conn and for Conn.Bind.

// face is how a task uses a connection.
type face interface {
	Read(t *corolla.Task, b []byte) (int, error)
	Write(t *corolla.Task, b []byte) (int, error)
	Close() error
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// bound is a face by way of Bind.
type bound struct{ *aio.Conn }

func (c bound) Read(t *corolla.Task, b []byte) (int, error)  { return c.Bind(t).Read(b) }
func (c bound) Write(t *corolla.Task, b []byte) (int, error) { return c.Bind(t).Write(b) }
func (c bound) Close() error                                 { return c.Bind(nil).Close() }
func (c bound) SetDeadline(when time.Time) error             { return c.Bind(nil).SetDeadline(when) }
func (c bound) SetReadDeadline(when time.Time) error         { return c.Bind(nil).SetReadDeadline(when) }
func (c bound) SetWriteDeadline(when time.Time) error        { return c.Bind(nil).SetWriteDeadline(when) }

type conformance struct {
	*testing.T
	task *corolla.Task
	a, b face
}

// together runs functions as tasks, until all have ended.
func (c *conformance) together(fs ...func(t *corolla.Task)) {
	c.Helper()
	err := c.task.Group(func(g *corolla.Group) error {
		for _, f := range fs {
			g.Go(func(t *corolla.Task) error { f(t); return nil })
		}
		return nil
	})
	if err != nil {
		c.Error(err)
	}
}

func (c *conformance) now() time.Time { return c.task.Loop().Time() }

// chunks writes all of b in pieces.
func (c *conformance) chunks(t *corolla.Task, w face, b []byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	for len(b) > 0 {
		n := min(len(b), 1+rng.IntN(4096))
		if _, err := w.Write(t, b[:n]); err != nil {
			c.Errorf("Write: %v", err)
			return
		}
		b = b[n:]
	}
}

func (c *conformance) all(t *corolla.Task, r face, n int) []byte {
	got, buf := make([]byte, 0, n), make([]byte, 1024)
	for len(got) < n {
		m, err := r.Read(t, buf)
		got = append(got, buf[:m]...)
		if err != nil {
			if err != io.EOF {
				c.Errorf("Read: %v", err)
			}
			break
		}
	}
	return got
}

func basicIO(c *conformance) {
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i * 7 / 3)
	}
	c.together(
		func(t *corolla.Task) { c.chunks(t, c.a, want) },
		func(t *corolla.Task) {
			got := c.all(t, c.b, len(want))
			c.chunks(t, c.b, got)
			if err := c.b.Close(); err != nil {
				c.Error(err)
			}
		},
		func(t *corolla.Task) {
			if got := c.all(t, c.a, len(want)+1); !bytes.Equal(got, want) {
				c.Errorf("%d bytes came back of %d", len(got), len(want))
			}
		},
	)
}

func pingPong(c *conformance) {
	side := func(x face) func(t *corolla.Task) {
		return func(t *corolla.Task) {
			for {
				got := c.all(t, x, 8)
				if len(got) < 8 {
					return // the other has enough
				}
				n := binary.LittleEndian.Uint64(got) + 1
				if n > 1000 {
					_ = x.Close()
					return
				}
				if _, err := x.Write(t, binary.LittleEndian.AppendUint64(nil, n)); err != nil {
					c.Error(err)
					return
				}
			}
		}
	}
	if _, err := c.a.Write(c.task, make([]byte, 8)); err != nil {
		c.Error(err)
	}
	c.together(side(c.a), side(c.b))
}

// busyOr accepts that another task was there first.
func (c *conformance) busyOr(err, is error) bool {
	return errors.Is(err, corolla.ErrBusy) || errors.Is(err, is)
}

func racyRead(c *conformance) {
	fs := []func(*corolla.Task){func(t *corolla.Task) { c.chunks(t, c.b, make([]byte, 64<<10)) }}
	_ = c.a.SetReadDeadline(c.now().Add(time.Millisecond))
	for range 10 {
		fs = append(fs, func(t *corolla.Task) {
			for range 10 {
				_, err := c.a.Read(t, make([]byte, 1024))
				if err != nil && !c.busyOr(err, os.ErrDeadlineExceeded) {
					c.Errorf("Read: %v", err)
				}
				_ = c.a.SetReadDeadline(c.now().Add(time.Millisecond))
				_ = t.Yield()
			}
		})
	}
	c.together(fs...)
}

func racyWrite(c *conformance) {
	over := false
	fs := []func(*corolla.Task){func(t *corolla.Task) {
		for !over {
			_ = c.b.SetReadDeadline(c.now().Add(time.Millisecond))
			if _, err := c.b.Read(t, make([]byte, 4096)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				c.Errorf("Read: %v", err)
				return
			}
		}
	}}
	writers := 10
	for range writers {
		fs = append(fs, func(t *corolla.Task) {
			for range 10 {
				_ = c.a.SetWriteDeadline(c.now().Add(time.Millisecond))
				if _, err := c.a.Write(t, make([]byte, 1024)); err != nil && !c.busyOr(err, os.ErrDeadlineExceeded) {
					c.Errorf("Write: %v", err)
				}
				_ = t.Yield()
			}
			if writers--; writers == 0 {
				over = true
			}
		})
	}
	c.together(fs...)
}

// wantTimeout fails unless err is that of a deadline, as net has it.
func (c *conformance) wantTimeout(err error) {
	c.Helper()
	var e net.Error
	if !errors.As(err, &e) || !e.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		c.Errorf("error %v, want a timeout", err)
	}
}

func readTimeout(c *conformance) {
	c.together(func(t *corolla.Task) {
		_ = c.a.SetReadDeadline(c.now().Add(10 * time.Millisecond))
		_, err := c.a.Read(t, make([]byte, 1024))
		c.wantTimeout(err)
		_, err = c.a.Write(t, make([]byte, 10)) // its deadline is another
		if err != nil {
			c.Error(err)
		}
	})
}

func writeTimeout(c *conformance) {
	c.together(func(t *corolla.Task) {
		_ = c.a.SetWriteDeadline(c.now().Add(10 * time.Millisecond))
		var err error
		for err == nil {
			_, err = c.a.Write(t, make([]byte, 64<<10))
		}
		c.wantTimeout(err)
	})
}

// bothTimeOut fails unless neither reading nor writing is possible, by time.
func (c *conformance) bothTimeOut() {
	c.Helper()
	c.together(func(t *corolla.Task) {
		_, err := c.a.Read(t, make([]byte, 1024))
		c.wantTimeout(err)
	}, func(t *corolla.Task) {
		var err error
		for err == nil {
			_, err = c.a.Write(t, make([]byte, 64<<10))
		}
		c.wantTimeout(err)
	})
}

func pastTimeout(c *conformance) {
	_ = c.a.SetDeadline(c.now().Add(-time.Hour))
	c.bothTimeOut()
	// It can be taken back.
	if err := c.a.SetDeadline(time.Time{}); err != nil {
		c.Error(err)
	}
	c.together(
		func(t *corolla.Task) { c.chunks(t, c.a, make([]byte, 100)) },
		func(t *corolla.Task) { c.chunks(t, c.b, c.all(t, c.b, 100)) },
		func(t *corolla.Task) {
			if n := len(c.all(t, c.a, 100)); n != 100 {
				c.Errorf("%d bytes came back of 100", n)
			}
		},
	)
}

func presentTimeout(c *conformance) {
	set := false
	timesOut := func(f func(t *corolla.Task) error) func(*corolla.Task) {
		return func(t *corolla.Task) {
			c.wantTimeout(f(t))
			if !set {
				c.Error("it did not wait")
			}
		}
	}
	c.together(func(t *corolla.Task) {
		_ = t.Sleep(10 * time.Millisecond)
		set = true
		if err := c.a.SetDeadline(c.now()); err != nil {
			c.Error(err)
		}
	}, timesOut(func(t *corolla.Task) error {
		_, err := c.a.Read(t, make([]byte, 1024))
		return err
	}), timesOut(func(t *corolla.Task) (err error) {
		for err == nil {
			_, err = c.a.Write(t, make([]byte, 64<<10))
		}
		return err
	}))
}

func futureTimeout(c *conformance) {
	_ = c.a.SetDeadline(c.now().Add(10 * time.Millisecond))
	c.bothTimeOut()
}

func closeTimeout(c *conformance) {
	c.together(func(t *corolla.Task) {
		_ = t.Sleep(10 * time.Millisecond)
		if err := c.a.Close(); err != nil {
			c.Error(err)
		}
	}, func(t *corolla.Task) {
		for _, err := c.a.Read(t, make([]byte, 1024)); !errors.Is(err, net.ErrClosed); {
			c.Errorf("Read while it is closed: %v", err)
			break
		}
	}, func(t *corolla.Task) {
		var err error
		for err == nil {
			_, err = c.a.Write(t, make([]byte, 64<<10))
		}
		if !errors.Is(err, net.ErrClosed) {
			c.Errorf("Write while it is closed: %v", err)
		}
	})
}

func concurrentMethods(c *conformance) {
	var fs []func(*corolla.Task)
	for range 20 {
		fs = append(
			fs,
			func(t *corolla.Task) { _, _ = c.a.Read(t, make([]byte, 1024)) },
			func(t *corolla.Task) { _, _ = c.a.Write(t, make([]byte, 1024)) },
			func(*corolla.Task) { _ = c.a.SetDeadline(c.now().Add(10 * time.Millisecond)) },
			func(*corolla.Task) { _ = c.a.SetReadDeadline(c.now().Add(10 * time.Millisecond)) },
			func(*corolla.Task) { _ = c.a.SetWriteDeadline(c.now().Add(10 * time.Millisecond)) },
			func(*corolla.Task) { c.a.LocalAddr() },
			func(*corolla.Task) { c.a.RemoteAddr() },
		)
	}
	c.together(fs...)
}

func TestConnConforms(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for _, on := range []string{"tcp", "unix", "sim", "tls"} {
		for name, wrap := range map[string]func(*aio.Conn) face{
			"Conn": func(c *aio.Conn) face { return c },
			"Bind": func(c *aio.Conn) face { return bound{c} },
		} {
			for what, test := range map[string]func(*conformance){
				"BasicIO": basicIO, "PingPong": pingPong, "RacyRead": racyRead, "RacyWrite": racyWrite,
				"ReadTimeout": readTimeout, "WriteTimeout": writeTimeout, "PastTimeout": pastTimeout,
				"PresentTimeout": presentTimeout, "FutureTimeout": futureTimeout, "CloseTimeout": closeTimeout,
				"ConcurrentMethods": concurrentMethods,
			} {
				t.Run(on+"/"+name+"/"+what, func(t *testing.T) {
					t.Parallel() // many wait for real deadlines
					conform(t, on, &cert, ca, wrap, test)
				})
			}
		}
	}
}

func conform(t *testing.T, on string, cert *tls.Certificate, ca *certtest.Authority, wrap func(*aio.Conn) face, test func(*conformance)) {
	var l *corolla.Loop
	opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) })}
	if on == "sim" {
		l = sim.New(1).NewLoop(opts...)
	} else {
		var err error
		l, err = corolla.New(opts...)
		leaktest.NeedLoop(t, err)
	}
	err := l.Run(func(task *corolla.Task) error {
		network, address := "tcp", "127.0.0.1:0"
		if on == "unix" {
			network, address = "unix", filepath.Join(t.TempDir(), "s")
		}
		ln, err := aio.Listen(l, network, address)
		if err != nil {
			return err
		}
		defer ln.Close()
		var a *aio.Conn
		dial := l.Go(func(task *corolla.Task) (err error) {
			if a, err = aio.Dial(task, network, ln.Addr().String()); err == nil && on == "tls" {
				err = a.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
			}
			return err
		})
		b, err := ln.Accept(task)
		if err != nil {
			return err
		}
		if on == "tls" {
			if err := b.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{*cert}}); err != nil {
				return err
			}
		}
		if _, err := dial.Await(task); err != nil {
			return err
		}
		test(&conformance{t, task, wrap(a), wrap(b)})
		_, _ = a.Abort(), b.Abort()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
}
