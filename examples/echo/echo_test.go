// Package echo_test runs the same tests and the same benchmark on the same server,
// written six times.
package echo_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/examples/echo/callback"
	"github.com/corolla-go/corolla/examples/echo/deferred"
	"github.com/corolla-go/corolla/examples/echo/gen"
	"github.com/corolla-go/corolla/examples/echo/green"
	"github.com/corolla-go/corolla/examples/echo/task"
	"github.com/corolla-go/corolla/examples/echo/transport"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var models = []struct {
	name  string
	serve func(*corolla.Loop, string) (net.Addr, error)
}{
	{"callback", callback.Serve},
	{"transport", transport.Serve},
	{"task", task.Serve},
	{"deferred", deferred.Serve},
	{"green", green.Serve},
	{"gen", gen.Serve},
}

func each(t *testing.T, f func(t *testing.T, l *corolla.Loop, addr string)) {
	for _, m := range models {
		for _, host := range []string{"real", "sim"} {
			t.Run(m.name+"/"+host, func(t *testing.T) {
				var w *sim.World
				l, err := corolla.New()
				if host == "sim" {
					if err == nil {
						err = l.Close()
					}
					w = sim.New(7)
					l = w.NewLoop()
				}
				if err != nil {
					leaktest.NeedLoop(t, err)
				}
				addr, err := m.serve(l, "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				f(t, l, addr.String())
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if w != nil && w.Open() != 0 {
					t.Errorf("%d descriptors left open", w.Open())
				}
			})
		}
	}
}

// talk sends data in one task and reads the echo in another.
func talk(t *corolla.Task, addr string, data []byte) ([]byte, error) {
	c, err := aio.Dial(t, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	sent := t.Loop().Go(func(t *corolla.Task) error {
		if _, err := c.Write(t, data); err != nil {
			return err
		}
		return c.CloseWrite()
	})
	var got bytes.Buffer
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(t, buf)
		got.Write(buf[:n])
		if err == io.EOF {
			_, err = sent.Await(t)
			return got.Bytes(), err
		}
		if err != nil {
			return got.Bytes(), err
		}
	}
}

func TestEchoOfMuchComesBackWhole(t *testing.T) {
	data := make([]byte, 2<<20)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	each(t, func(t *testing.T, l *corolla.Loop, addr string) {
		err := l.Run(func(task *corolla.Task) error {
			return task.Group(func(g *corolla.Group) error {
				for range 3 {
					g.Go(func(task *corolla.Task) error {
						got, err := talk(task, addr, data)
						// A half-closed connection may be closed by a server that has
						// been told of the end, but not before all is echoed.
						if !bytes.Equal(got, data) {
							t.Errorf("%d of %d bytes came back right", len(got), len(data))
						}
						return err
					})
				}
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestEchoSurvivesClientsThatVanish opens a thousand connections with Go's own net,
// sends half a message on each, and resets it.
func TestEchoSurvivesClientsThatVanish(t *testing.T) {
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			l, err := corolla.New(corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }),
				corolla.SlowLimit(0))
			if err != nil {
				leaktest.NeedLoop(t, err)
			}
			addr, err := m.serve(l, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- l.RunForever() }()
			for i := range 1000 {
				c, err := net.Dial("tcp", addr.String())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Write([]byte("half a mess")); err != nil {
					t.Fatal(err)
				}
				if i%2 == 0 { // a reset; else an end with the echo unread
					_ = c.(*net.TCPConn).SetLinger(0)
				}
				c.Close()
			}
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err := c.Write([]byte("still there?")); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 12)
			if _, err := io.ReadFull(c, got); string(got) != "still there?" {
				t.Errorf("got %q, %v", got, err)
			}
			l.Stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// BenchmarkEcho is one round of 64 bytes there and back, with the client on the same
// loop as bare callbacks.
func BenchmarkEcho(b *testing.B) {
	for _, m := range models {
		b.Run(m.name, func(b *testing.B) {
			l, err := corolla.New()
			if err != nil {
				leaktest.NeedLoop(b, err)
			}
			defer l.Close()
			addr, err := m.serve(l, "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			rounds(b, l, addr.String())
		})
	}
}

func rounds(b *testing.B, l *corolla.Loop, addr string) {
	buf := make([]byte, 64)
	l.Dial("tcp", addr).OnDone(func(f *corolla.Future[*corolla.Socket]) {
		s, err := f.Result()
		if err != nil {
			b.Error(err)
			l.Stop()
			return
		}
		left, got := b.N, 0
		s.OnReadable(func() {
			n, err := s.TryRead(buf)
			if err != nil && err != corolla.ErrWouldBlock {
				b.Error(err)
				l.Stop()
			}
			if got += n; got < len(buf) {
				return
			}
			if got, left = 0, left-1; left == 0 {
				l.Stop()
				return
			}
			_, _ = s.TryWrite(buf) // a connection that carries nothing else takes 64 bytes
		})
		_, _ = s.TryWrite(buf)
		b.ReportAllocs()
		b.ResetTimer()
	})
	if err := l.RunForever(); err != nil {
		b.Error(err)
	}
	b.StopTimer()
}

// TestSteadyConnectionCostsOneReadAndOneWrite counts the calls to the system for each request.
func TestSteadyConnectionCostsOneReadAndOneWrite(t *testing.T) {
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			count := new(hosttest.Counting)
			l, err := corolla.New(corolla.SlowLimit(0), hosttest.Between(func(h host.Host) host.Host {
				count.Host = h
				return count
			}))
			leaktest.NeedLoop(t, err)
			addr, err := m.serve(l, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- l.RunForever() }()
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			buf := make([]byte, 64)
			round := func() {
				if _, err := c.Write(buf); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					t.Fatal(err)
				}
			}
			round()
			const rounds = 200
			before := onLoop(l, func() hosttest.Counting { return *count })
			for range rounds {
				round()
			}
			after := onLoop(l, func() hosttest.Counting { return *count })
			if after.Reads-before.Reads != rounds || after.Writes-before.Writes != rounds || after.Watches != before.Watches {
				t.Errorf("%d rounds: %d reads, %d writes, %d changes of registration", rounds,
					after.Reads-before.Reads, after.Writes-before.Writes, after.Watches-before.Watches)
			}
			l.Stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// onLoop returns what f does when the loop calls it.
func onLoop[T any](l *corolla.Loop, f func() T) T {
	answer := make(chan T)
	_ = l.Post(func() { answer <- f() }) // the loop runs
	return <-answer
}
