package web_test

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// Clients that mean harm, on a simulated machine whose network holds little, so that what grows is the
// server. The bounds on memory are wide: they tell some kilobytes for a connection from all that a client
// sends.

// siege is a server, and one task that plays all its clients.
type siege struct {
	*testing.T
	*serving
	task   *corolla.Task
	before uint64 // memory in use when there was no client yet
}

const (
	wire    = 4096      // bytes that the network holds of a direction
	parting = 320 << 10 // bytes that a client may send after it was refused, at most
)

func besiege(t *testing.T, h http.HandlerFunc, configure func(*web.Server), attack func(x *siege) error) {
	t.Helper()
	w := sim.New(1, sim.Latency(time.Microsecond, time.Microsecond), sim.Whole(), sim.Buffer(wire))
	l := w.NewLoop(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	if err := l.Run(func(task *corolla.Task) error {
		s := startServer(t, l, h, configure)
		x := &siege{t, s, task, 0}
		x.before = x.memory()
		err := attack(x)
		s.stop(t, task)
		return err
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	if n := w.Open(); n != 0 {
		t.Errorf("%d descriptors left open", n)
	}
}

// memory is what the program uses, stacks included.
func (x *siege) memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// bounded wants no more memory than so much for each of n clients.
func (x *siege) bounded(n, each int) {
	x.Helper()
	used := int64(x.memory()) - int64(x.before)
	x.Logf("%d clients, %d KB used, %d bytes for each", n, used>>10, used/int64(n))
	if used > int64(n)*int64(each) {
		x.Errorf("%d clients make the server use %d KB, %d bytes for each; want at most %d", n, used>>10, used/int64(n), each)
	}
}

func (x *siege) dial(n int, first string) (all []*aio.Conn) {
	x.Helper()
	for range n {
		c, err := aio.Dial(x.task, "tcp", x.addr)
		if err != nil {
			x.Fatal(err)
		}
		if _, err := c.Write(x.task, []byte(first)); err != nil {
			x.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// pass lets time go by.
func (x *siege) pass(d time.Duration) {
	if err := x.task.Sleep(d); err != nil {
		x.Fatal(err)
	}
}

// gone closes the clients' ends, and wants that the server had closed its own, if it had to.
func (x *siege) gone(all []*aio.Conn, closed bool) {
	x.Helper()
	if n := x.Stats().Conns; closed && n != 0 {
		x.Errorf("the server still has %d of the connections", n)
	}
	for _, c := range all {
		_ = c.Abort() // or it is closed
	}
}

// pour writes text again and again, until the server has ended the connection or has taken so much, or
// nothing more for a time. It returns how much the server took.
func (x *siege) pour(c *aio.Conn, text string, most int) (taken int, ended bool) {
	for taken < most {
		err := x.task.Timeout(10*time.Second, func(*corolla.Scope) error {
			n, err := c.Write(x.task, []byte(text))
			taken += n
			return err
		})
		var late *corolla.TimeoutError
		if errors.As(err, &late) {
			return taken, false
		}
		if err != nil {
			return taken, true
		}
	}
	return taken, false
}

func TestSlowHeads(t *testing.T) {
	const n = 5000
	besiege(t, behave, func(s *web.Server) { s.ReadHeaderTimeout = 30 * time.Second }, func(x *siege) error {
		all := x.dial(n, "GET / HTTP/1.1\r\nHost: a\r\nX: ")
		for range 9 {
			for _, c := range all {
				if err := c.TryWrite([]byte("slow")); err != nil {
					x.Fatal(err)
				}
			}
			x.pass(time.Second)
		}
		if s := x.Stats(); s.Conns != n {
			x.Errorf("%+v: want %d connections", s, n)
		}
		x.bounded(n, 16<<10)
		x.pass(time.Minute)
		x.gone(all, true)
		return nil
	})
}

// A connection on which nothing was asked yet costs less, and ends as well.
func TestSilentClients(t *testing.T) {
	const n = 5000
	besiege(t, behave, func(s *web.Server) { s.ReadHeaderTimeout, s.IdleTimeout = 30*time.Second, 30*time.Second }, func(x *siege) error {
		all := x.dial(n/2, "")
		all = append(all, x.dial(n/2, "GET /empty"+hosted)...)
		x.pass(time.Second)
		if s := x.Stats(); s.Conns != n {
			x.Errorf("%+v: want %d connections", s, n)
		}
		x.bounded(n, 8<<10)
		x.pass(time.Minute)
		x.gone(all, true)
		return nil
	})
}

// Bodies that never come hold a task each, and end too.
func TestSlowBodies(t *testing.T) {
	const n = 1000
	failed := 0
	h := func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			failed++
		}
	}
	besiege(t, h, func(s *web.Server) { s.ReadTimeout = 30 * time.Second }, func(x *siege) error {
		all := x.dial(n, post("/", strings.Repeat("x", 100))[:90])
		x.pass(time.Second)
		x.bounded(n, 64<<10)
		x.pass(time.Minute)
		if failed != n {
			x.Errorf("%d handlers of %d learned that no body comes", failed, n)
		}
		x.gone(all, true)
		return nil
	})
}

func TestClientsThatNeverRead(t *testing.T) {
	const n = 1000
	wrote, failed := 0, 0
	h := func(w http.ResponseWriter, _ *http.Request) {
		for range 128 { // or a server that takes everything would have no end
			k, err := w.Write(patterned[:8<<10])
			if wrote += k; err != nil {
				failed++
				return
			}
		}
	}
	besiege(t, h, func(s *web.Server) { s.StallTimeout, s.WriteTimeout = 30*time.Second, time.Minute }, func(x *siege) error {
		all := x.dial(n, "GET /"+hosted)
		x.pass(time.Second)
		if wrote == 0 || wrote > n*(256<<10) {
			x.Errorf("%d bytes were written for each", wrote/n)
		}
		x.bounded(n, 192<<10)
		x.pass(2 * time.Minute)
		if failed != n {
			x.Errorf("%d handlers of %d learned that nobody reads", failed, n)
		}
		x.gone(all, true)
		return nil
	})
}

// Heads without an end are refused when they are too long, whatever they are made of.
func TestEndlessHeads(t *testing.T) {
	if testing.Short() {
		t.Skip("it is about memory and sends much")
	}
	for name, c := range map[string]struct{ first, more string }{
		"a target":      {"GET /", strings.Repeat("a", 1000)},
		"a name":        {"GET / HTTP/1.1\r\nHost: a\r\n", strings.Repeat("a", 1000)},
		"a value":       {"GET / HTTP/1.1\r\nHost: a\r\nX: ", strings.Repeat("a", 1000)},
		"fields":        {"GET / HTTP/1.1\r\nHost: a\r\n", strings.Repeat("X: y\r\n", 100)},
		"short fields":  {"GET / HTTP/1.1\r\nHost: a\r\n", strings.Repeat("X:\r\n", 200)},
		"lines":         {"\r\n", strings.Repeat("\r\n", 500)},
		"other fields":  {"GET / HTTP/1.1\r\n", "X-" + strings.Repeat("abc", 80) + ": y\r\n"},
		"a method":      {"", strings.Repeat("A", 1000)},
		"folded fields": {"GET / HTTP/1.1\r\nHost: a\r\nX: y", strings.Repeat("\r\n z", 250)},
	} {
		t.Run(name, func(t *testing.T) {
			const n, limit = 50, 64 << 10
			besiege(t, behave, func(s *web.Server) { s.MaxHeaderBytes = limit }, func(x *siege) error {
				all := x.dial(n, c.first)
				for _, conn := range all {
					x.pour(conn, c.more, limit/2)
				}
				x.bounded(n, 4*limit)
				for i, conn := range all {
					if taken, ended := x.pour(conn, c.more, 1<<20); !ended || taken > limit+parting {
						x.Errorf("client %d: the server took %d bytes of a head; ended: %v", i, taken, ended)
						break
					}
				}
				x.bounded(n, limit)
				x.gone(all, false)
				return nil
			})
		})
	}
}

// Bodies that are mostly coding are refused, when somebody reads them and when nobody does.
func TestWastefulChunks(t *testing.T) {
	if testing.Short() {
		t.Skip("it is about memory and sends much")
	}
	for name, c := range map[string]struct{ first, more string }{
		"long extensions":     {"", "1;" + strings.Repeat("x", 3000) + "\r\na\r\n"},
		"an extension":        {"1;", strings.Repeat("x", 1000)},
		"a size":              {"", strings.Repeat("0", 1000)},
		"a trailer":           {"1\r\na\r\n0\r\nX: ", strings.Repeat("x", 1000)},
		"trailers":            {"1\r\na\r\n0\r\n", strings.Repeat("X: y\r\n", 200)},
		"trailers of a kind":  {"1\r\na\r\n0\r\n", strings.Repeat("X:\r\n", 200)},
		"white space in size": {"1", strings.Repeat(" ", 1000)},
	} {
		for _, path := range []string{"/", "/none"} {
			t.Run(name+" to "+path, func(t *testing.T) {
				const n = 20
				besiege(t, behave, func(*web.Server) {}, func(x *siege) error {
					all := x.dial(n, chunked(path, c.first))
					for i, conn := range all {
						if taken, ended := x.pour(conn, c.more, 8<<20); !ended {
							x.Errorf("client %d: the server took %d bytes of chunks that hold nothing", i, taken)
							break
						}
					}
					x.bounded(n, 256<<10)
					x.gone(all, false)
					return nil
				})
			})
		}
	}
}

// Many small chunks are slow, but they are a body; they cost no memory.
func TestSmallChunks(t *testing.T) {
	besiege(t, behave, func(*web.Server) {}, func(x *siege) error {
		all := x.dial(1, chunked("/", ""))
		taken, ended := x.pour(all[0], strings.Repeat("1\r\na\r\n", 500), 1<<20)
		x.Logf("%d bytes taken, ended: %v", taken, ended)
		x.bounded(1, 512<<10)
		x.gone(all, false)
		return nil
	})
}

// Who asks and asks and reads no answer is not heard any more.
func TestPipeliningWithoutReading(t *testing.T) {
	const n = 50
	asked := 0
	h := func(w http.ResponseWriter, _ *http.Request) { asked++; w.Write(patterned[:1000]) }
	besiege(t, h, func(*web.Server) {}, func(x *siege) error {
		all := x.dial(n, "")
		for _, c := range all {
			taken, ended := x.pour(c, strings.Repeat("GET /"+hosted, 100), 8<<20)
			if ended || taken >= 8<<20 {
				x.Errorf("the server took %d bytes; ended: %v", taken, ended)
				break
			}
		}
		if asked == 0 || asked > n*300 {
			x.Errorf("%d requests on each connection were handled", asked/n)
		}
		x.bounded(n, 384<<10)
		x.gone(all, false)
		return nil
	})
}

// A body that nobody reads is not read for ever: the connection ends instead.
func TestBodiesNobodyReads(t *testing.T) {
	const n = 50
	besiege(t, behave, func(*web.Server) {}, func(x *siege) error {
		all := x.dial(n, "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
		for _, c := range all {
			if taken, ended := x.pour(c, string(patterned[:4000]), 8<<20); !ended {
				x.Errorf("the server took %d bytes that nobody wants", taken)
				break
			}
		}
		x.bounded(n, 64<<10)
		x.gone(all, false)
		return nil
	})
}
