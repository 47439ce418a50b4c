package green_test

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
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/certtest"
)

// The cases of x/net's nettest, as green threads.

type conformance struct {
	*testing.T
	hub  *green.Hub
	a, b *green.Conn
}

// together runs functions as threads, until all have ended.
func (c *conformance) together(fs ...func()) {
	c.Helper()
	pile := green.NewPile[struct{}](green.NewPool(c.hub, len(fs)))
	for _, f := range fs {
		pile.Go(func() (nothing struct{}, _ error) { f(); return nothing, nil })
	}
	for _, err := range pile.All() {
		if err != nil {
			c.Error(err)
		}
	}
}

func (c *conformance) now() time.Time { return c.hub.Loop().Time() }

// chunks writes all of b in pieces.
func (c *conformance) chunks(w *green.Conn, b []byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	for len(b) > 0 {
		n := min(len(b), 1+rng.IntN(4096))
		if _, err := w.Write(b[:n]); err != nil {
			c.Errorf("Write: %v", err)
			return
		}
		b = b[n:]
	}
}

func (c *conformance) all(r *green.Conn, n int) []byte {
	got, buf := make([]byte, 0, n), make([]byte, 1024)
	for len(got) < n {
		m, err := r.Read(buf)
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
		func() { c.chunks(c.a, want) },
		func() {
			got := c.all(c.b, len(want))
			c.chunks(c.b, got)
			if err := c.b.Close(); err != nil {
				c.Error(err)
			}
		},
		func() {
			if got := c.all(c.a, len(want)+1); !bytes.Equal(got, want) {
				c.Errorf("%d bytes came back of %d", len(got), len(want))
			}
		},
	)
}

func pingPong(c *conformance) {
	side := func(x *green.Conn) func() {
		return func() {
			for {
				got := c.all(x, 8)
				if len(got) < 8 {
					return // the other has enough
				}
				n := binary.LittleEndian.Uint64(got) + 1
				if n > 1000 {
					_ = x.Close()
					return
				}
				if _, err := x.Write(binary.LittleEndian.AppendUint64(nil, n)); err != nil {
					c.Error(err)
					return
				}
			}
		}
	}
	if _, err := c.a.Write(make([]byte, 8)); err != nil {
		c.Error(err)
	}
	c.together(side(c.a), side(c.b))
}

// busyOr accepts that another thread was there first.
func (c *conformance) busyOr(err, is error) bool {
	return errors.Is(err, corolla.ErrBusy) || errors.Is(err, is)
}

func racyRead(c *conformance) {
	fs := []func(){func() { c.chunks(c.b, make([]byte, 64<<10)) }}
	_ = c.a.SetReadDeadline(c.now().Add(time.Millisecond))
	for range 10 {
		fs = append(fs, func() {
			for range 10 {
				_, err := c.a.Read(make([]byte, 1024))
				if err != nil && !c.busyOr(err, os.ErrDeadlineExceeded) {
					c.Errorf("Read: %v", err)
				}
				_ = c.a.SetReadDeadline(c.now().Add(time.Millisecond))
				c.hub.Sleep(0)
			}
		})
	}
	c.together(fs...)
}

func racyWrite(c *conformance) {
	over := false
	fs := []func(){func() {
		for !over {
			_ = c.b.SetReadDeadline(c.now().Add(time.Millisecond))
			if _, err := c.b.Read(make([]byte, 4096)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				c.Errorf("Read: %v", err)
				return
			}
		}
	}}
	writers := 10
	for range writers {
		fs = append(fs, func() {
			for range 10 {
				_ = c.a.SetWriteDeadline(c.now().Add(time.Millisecond))
				if _, err := c.a.Write(make([]byte, 1024)); err != nil && !c.busyOr(err, os.ErrDeadlineExceeded) {
					c.Errorf("Write: %v", err)
				}
				c.hub.Sleep(0)
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
	c.together(func() {
		_ = c.a.SetReadDeadline(c.now().Add(10 * time.Millisecond))
		_, err := c.a.Read(make([]byte, 1024))
		c.wantTimeout(err)
		_, err = c.a.Write(make([]byte, 10)) // its deadline is another
		if err != nil {
			c.Error(err)
		}
	})
}

func writeTimeout(c *conformance) {
	c.together(func() {
		_ = c.a.SetWriteDeadline(c.now().Add(10 * time.Millisecond))
		var err error
		for err == nil {
			_, err = c.a.Write(make([]byte, 64<<10))
		}
		c.wantTimeout(err)
	})
}

// bothTimeOut fails unless neither reading nor writing is possible, by time.
func (c *conformance) bothTimeOut() {
	c.Helper()
	c.together(func() {
		_, err := c.a.Read(make([]byte, 1024))
		c.wantTimeout(err)
	}, func() {
		var err error
		for err == nil {
			_, err = c.a.Write(make([]byte, 64<<10))
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
		func() { c.chunks(c.a, make([]byte, 100)) },
		func() { c.chunks(c.b, c.all(c.b, 100)) },
		func() {
			if n := len(c.all(c.a, 100)); n != 100 {
				c.Errorf("%d bytes came back of 100", n)
			}
		},
	)
}

func presentTimeout(c *conformance) {
	set := false
	timesOut := func(f func() error) func() {
		return func() {
			c.wantTimeout(f())
			if !set {
				c.Error("it did not wait")
			}
		}
	}
	c.together(func() {
		c.hub.Sleep(10 * time.Millisecond)
		set = true
		if err := c.a.SetDeadline(c.now()); err != nil {
			c.Error(err)
		}
	}, timesOut(func() error {
		_, err := c.a.Read(make([]byte, 1024))
		return err
	}), timesOut(func() (err error) {
		for err == nil {
			_, err = c.a.Write(make([]byte, 64<<10))
		}
		return err
	}))
}

func futureTimeout(c *conformance) {
	_ = c.a.SetDeadline(c.now().Add(10 * time.Millisecond))
	c.bothTimeOut()
}

func closeTimeout(c *conformance) {
	c.together(func() {
		c.hub.Sleep(10 * time.Millisecond)
		if err := c.a.Close(); err != nil {
			c.Error(err)
		}
	}, func() {
		for _, err := c.a.Read(make([]byte, 1024)); !errors.Is(err, net.ErrClosed); {
			c.Errorf("Read while it is closed: %v", err)
			break
		}
	}, func() {
		var err error
		for err == nil {
			_, err = c.a.Write(make([]byte, 64<<10))
		}
		if !errors.Is(err, net.ErrClosed) {
			c.Errorf("Write while it is closed: %v", err)
		}
	})
}

func concurrentMethods(c *conformance) {
	var fs []func()
	for range 20 {
		fs = append(
			fs,
			func() { _, _ = c.a.Read(make([]byte, 1024)) },
			func() { _, _ = c.a.Write(make([]byte, 1024)) },
			func() { _ = c.a.SetDeadline(c.now().Add(10 * time.Millisecond)) },
			func() { _ = c.a.SetReadDeadline(c.now().Add(10 * time.Millisecond)) },
			func() { _ = c.a.SetWriteDeadline(c.now().Add(10 * time.Millisecond)) },
			func() { c.a.LocalAddr() },
			func() { c.a.RemoteAddr() },
		)
	}
	c.together(fs...)
}

func TestConnConforms(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	client := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	for _, on := range []string{"tcp", "unix", "tls", "sim", "sim tls"} {
		for what, test := range map[string]func(*conformance){
			"BasicIO": basicIO, "PingPong": pingPong, "RacyRead": racyRead, "RacyWrite": racyWrite,
			"ReadTimeout": readTimeout, "WriteTimeout": writeTimeout, "PastTimeout": pastTimeout,
			"PresentTimeout": presentTimeout, "FutureTimeout": futureTimeout, "CloseTimeout": closeTimeout,
			"ConcurrentMethods": concurrentMethods,
		} {
			t.Run(on+"/"+what, func(t *testing.T) {
				t.Parallel() // many wait for real deadlines
				host, network, address := "real", "tcp", "127.0.0.1:0"
				switch on {
				case "unix":
					network, address = "unix", filepath.Join(t.TempDir(), "s")
				case "sim", "sim tls":
					host = "sim"
				}
				onHub(t, host, func(e *env) error {
					ln, err := e.Listen(network, address)
					if err != nil {
						return err
					}
					defer ln.Close()
					c, s := client, server
					if !strings.Contains(on, "tls") {
						c, s = nil, nil
					}
					a, b, err := connect(e.Hub, ln, network, c, s)
					if err != nil {
						return err
					}
					test(&conformance{t, e.Hub, a, b})
					_, _ = a.Abort(), b.Abort()
					return nil
				})
			})
		}
	}
}

// connect returns both ends of a connection, with TLS if there are configurations.
func connect(h *green.Hub, ln *green.Listener, network string, client, server *tls.Config) (a, b *green.Conn, err error) {
	dial := green.Go(h, func() (*green.Conn, error) {
		if client != nil {
			return h.DialTLS(network, ln.Addr().String(), client)
		}
		return h.Dial(network, ln.Addr().String())
	})
	c, err := ln.Accept()
	if err != nil {
		return nil, nil, err
	}
	b = c.(*green.Conn)
	if server != nil {
		err = b.ServerTLS(server)
	}
	a, err2 := dial.Wait()
	return a, b, errors.Join(err, err2)
}
