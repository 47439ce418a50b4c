package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// recorder is a Protocol that writes down what happens.
type recorder struct {
	said    []string
	conn    *transport.Conn
	onData  func(c *transport.Conn, b []byte)
	onOpen  func(c *transport.Conn)
	onClose func()
	ended   corolla.Event
	err     error
}

func (r *recorder) say(f string, args ...any) { r.said = append(r.said, fmt.Sprintf(f, args...)) }
func (r *recorder) String() string            { return strings.Join(r.said, " ") }

func (r *recorder) Opened(c *transport.Conn) {
	r.say("opened")
	r.conn = c
	if r.onOpen != nil {
		r.onOpen(c)
	}
}

func (r *recorder) Data(c *transport.Conn, b []byte) {
	if n := len(r.said); n == 0 || r.said[n-1] != "data" { // however many pieces
		r.say("data")
	}
	if r.onData != nil {
		r.onData(c, b)
	}
}

func (r *recorder) Closed(_ *transport.Conn, err error) {
	var p *corolla.PanicError
	if errors.As(err, &p) {
		r.say("%d logged at", len(*logged))
	}
	r.say("closed")
	if r.onClose != nil {
		r.onClose()
	}
	r.err = err
	r.ended.Set()
}

// keeper is a recorder that keeps its side open at the end of the stream.
type keeper struct{ recorder }

func (k *keeper) EOF(*transport.Conn) bool { k.say("eof"); return true }

// pauser is a recorder that is told of water marks.
type pauser struct{ recorder }

func (p *pauser) PauseWriting(*transport.Conn)  { p.say("pause") }
func (p *pauser) ResumeWriting(*transport.Conn) { p.say("resume") }

// serve runs test with the server's side of a connection that p has, and the client's as a
// task's.
func serve(t *testing.T, p transport.Protocol, test func(t *testing.T, task *corolla.Task, client *aio.Conn)) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			var log []error
			opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { log = append(log, err) })}
			l, err := corolla.New(opts...)
			if name == "sim" {
				if err == nil {
					err = l.Close()
				}
				l = sim.New(3).NewLoop(opts...)
			}
			leaktest.NeedLoop(t, err)
			defer func() {
				leaktest.Close(t, l)
			}()
			fresh := clone(p)
			if err := l.Run(func(task *corolla.Task) error {
				srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func() transport.Protocol { return fresh })
				if err != nil {
					return err
				}
				defer srv.Close()
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					return err
				}
				defer client.Close()
				current, logged = fresh, &log
				test(t, task, client)
				_, _ = client.Close(), srv.Close() // or the test has
				quiet(t, task)
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// current is the protocol of the test that runs, logged what has reached the error handler.
var (
	current transport.Protocol
	logged  *[]error
)

// clone makes a protocol anew for each host.
func clone(p transport.Protocol) transport.Protocol {
	switch p := p.(type) {
	case *recorder:
		c := *p
		return &c
	case *keeper:
		c := *p
		return &c
	case *pauser:
		c := *p
		return &c
	case *closer:
		c := *p
		return &c
	case *fragile:
		c := *p
		return &c
	case *hesitant:
		c := *p
		return &c
	}
	return p
}

func rec() *recorder {
	switch p := current.(type) {
	case *recorder:
		return p
	case *keeper:
		return &p.recorder
	case *pauser:
		return &p.recorder
	case *gulper:
		return &p.recorder
	case *closer:
		return &p.recorder
	}
	return nil
}

func wantSaid(t *testing.T, want string) {
	t.Helper()
	if got := rec().String(); got != want {
		t.Errorf("the protocol was told %q, want %q", got, want)
	}
}

func ended(t *testing.T, task *corolla.Task) error {
	t.Helper()
	if err := task.Timeout(20*time.Second, func(*corolla.Scope) error { return rec().ended.Wait(task) }); err != nil {
		t.Fatalf("Closed was not called: %v", err)
	}
	if err := task.Yield(); err != nil {
		t.Fatal(err)
	}
	return rec().err
}

func readAll(t *testing.T, task *corolla.Task, c *aio.Conn) (string, error) {
	t.Helper()
	var all bytes.Buffer
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(task, buf)
		all.Write(buf[:n])
		if err != nil {
			return all.String(), err
		}
	}
}

func mustWrite(t *testing.T, task *corolla.Task, c *aio.Conn, s string) {
	t.Helper()
	if _, err := c.Write(task, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

// until yields until something holds.
func until(t *testing.T, task *corolla.Task, holds func() bool) {
	t.Helper()
	err := task.Timeout(20*time.Second, func(*corolla.Scope) error {
		for !holds() {
			if err := task.Sleep(100 * time.Microsecond); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("it never came to hold: %v", err)
	}
}

// quiet waits until every socket of the loop is closed, as those are whose peers a test has closed,
// and no job runs, which nothing can stop.
func quiet(t *testing.T, task *corolla.Task) {
	t.Helper()
	until(t, task, func() bool { s := task.Loop().Stats(); return s.Sockets == 0 && s.Jobs == 0 })
}

func TestLifeOfAConnection(t *testing.T) { // asyncio rules 37, 38
	serve(t, &recorder{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "hello")
		if err := client.CloseWrite(); err != nil {
			t.Error(err)
		}
		if err := ended(t, task); err != nil {
			t.Errorf("Closed with %v", err)
		}
		wantSaid(t, "opened data closed")
	})
}

func TestWriteIsTriedAtOnce(t *testing.T) { // rule 41
	serve(t, &recorder{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		until(t, task, func() bool { return rec().conn != nil })
		sum := 0
		task.Loop().Soon(func() {
			c := rec().conn
			_ = c.Write([]byte("a"))
			sum = c.Buffered()
			_ = c.Write([]byte("b")) // these leave together
			_ = c.WriteBatch([]byte("c"), nil, []byte("d"))
			if c.Buffered() != 3 {
				t.Errorf("%d bytes are buffered, want 3", c.Buffered())
			}
			c.Close()
		})
		if got, err := readAll(t, task, client); got != "abcd" || err != io.EOF || sum != 0 {
			t.Errorf("received %q, %v; %d bytes of the first write were buffered", got, err, sum)
		}
	})
}

func TestCloseWrite(t *testing.T) { // rule 42
	serve(t, &recorder{onOpen: func(c *transport.Conn) {
		_ = c.Write([]byte("all"))
		c.CloseWrite()
		c.CloseWrite()
		if err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after CloseWrite: %v", err)
		}
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		if got, err := readAll(t, task, client); got != "all" || err != io.EOF {
			t.Errorf("received %q, %v", got, err)
		}
		mustWrite(t, task, client, "still") // the other way is open
		until(t, task, func() bool { return strings.Contains(rec().String(), "data") })
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if err := ended(t, task); err != nil {
			t.Errorf("Closed with %v", err)
		}
	})
}

func TestEndOfThePeersStream(t *testing.T) { // rule 43, twisted 29
	serve(t, &keeper{recorder{onData: func(c *transport.Conn, b []byte) {}}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "request")
		if err := client.CloseWrite(); err != nil {
			t.Error(err)
		}
		until(t, task, func() bool { return strings.HasSuffix(rec().String(), "eof") })
		c := rec().conn
		if err := c.Write([]byte("answer")); err != nil {
			t.Errorf("Write after EOF that keeps it open: %v", err)
		}
		c.CloseWrite() // both sides have ended now
		if got, err := readAll(t, task, client); got != "answer" || err != io.EOF {
			t.Errorf("received %q, %v", got, err)
		}
		if err := ended(t, task); err != nil {
			t.Errorf("Closed with %v", err)
		}
		wantSaid(t, "opened data eof closed")
	})
}

func TestPauseReading(t *testing.T) { // rule 46
	serve(t, &recorder{onOpen: func(c *transport.Conn) { c.PauseReading(); c.PauseReading() }}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "x")
		if err := task.Sleep(5 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		wantSaid(t, "opened")
		rec().conn.ResumeReading()
		rec().conn.ResumeReading()
		until(t, task, func() bool { return rec().String() == "opened data" })
	})
}

func TestIdleTimeout(t *testing.T) {
	serve(t, &recorder{onOpen: func(c *transport.Conn) { c.SetIdleTimeout(3 * time.Millisecond) }}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		if err := ended(t, task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Closed with %v", err)
		}
	})
}

func TestSetProtocol(t *testing.T) {
	next := &recorder{}
	serve(t, &recorder{onData: func(c *transport.Conn, _ []byte) { *next = recorder{}; c.SetProtocol(next) }}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "a")
		until(t, task, func() bool { return strings.Contains(rec().String(), "data") })
		mustWrite(t, task, client, "b")
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		until(t, task, func() bool { return strings.Contains(next.String(), "closed") })
		if got := next.String(); got != "data closed" {
			t.Errorf("the second was told %q", got)
		}
		wantSaid(t, "opened data")
	})
}

// gulper has data put into its own buffer.
type gulper struct {
	recorder
	buf [3]byte
	got []byte
}

func (g *gulper) Buffer(*transport.Conn) []byte { return g.buf[:] }

func (g *gulper) Filled(_ *transport.Conn, n int) { g.got = append(g.got, g.buf[:n]...) }

func TestBufferedProtocol(t *testing.T) {
	serve(t, &gulper{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		g := current.(*gulper)
		g.got = nil
		mustWrite(t, task, client, "some words")
		until(t, task, func() bool { return string(g.got) == "some words" })
	})
}
