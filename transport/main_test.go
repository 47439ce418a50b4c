package transport_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
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
	"github.com/corolla-go/corolla/transport"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

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

// reset is for the next host.
func (r *recorder) reset() { r.said, r.conn, r.err = nil, nil, nil; r.ended.Clear() }

func (r *recorder) String() string { return strings.Join(r.said, " ") }

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

// wait waits until Closed was called.
func (r *recorder) wait(t *testing.T, task *corolla.Task) error {
	t.Helper()
	if err := task.Timeout(20*time.Second, func(*corolla.Scope) error { return r.ended.Wait(task) }); err != nil {
		t.Errorf("Closed was not called: %v; it was told %q", err, r)
		return errNotRecorded
	}
	return r.err
}

// keeper is a recorder that keeps its side open at the end of the stream.
type keeper struct{ recorder }

func (k *keeper) EOF(*transport.Conn) bool { k.say("eof"); return true }

// pauser is a recorder that is told of water marks.
type pauser struct{ recorder }

func (p *pauser) PauseWriting(*transport.Conn) { p.say("pause") }

func (p *pauser) ResumeWriting(*transport.Conn) { p.say("resume") }

// louder answers in upper case, and says what happens.
type louder struct{ recorder }

func newLouder() *louder {
	s := &louder{}
	s.onData = func(c *transport.Conn, b []byte) { _ = c.Write([]byte(strings.ToUpper(string(b)))) }
	return s
}

var errNotRecorded = errors.New("not recorded")

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
				srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return fresh })
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

func pause(t *testing.T, task *corolla.Task, d time.Duration) {
	t.Helper()
	if err := task.Sleep(d); err != nil {
		t.Fatal(err)
	}
}

// onLoops runs test with a loop on both hosts, and closes it.
func onLoops(t *testing.T, test func(t *testing.T, l *corolla.Loop, log *[]error)) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			var log []error
			logged = &log
			opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { log = append(log, err) })}
			l, err := corolla.New(opts...)
			var w *sim.World
			if name == "sim" {
				if err == nil {
					err = l.Close()
				}
				w = sim.New(1, sim.Begin(time.Now()))
				l = w.NewLoop(opts...)
			}
			leaktest.NeedLoop(t, err)
			test(t, l, &log)
			leaktest.Close(t, l)
			if w != nil && w.Open() != 0 {
				t.Errorf("%d descriptors are open", w.Open())
			}
		})
	}
}

// onHosts runs test in a task on both hosts, whose clocks agree with certificates. What reaches the
// error handler is in log.
func onHosts(t *testing.T, test func(t *testing.T, task *corolla.Task, log *[]error)) {
	t.Helper()
	onLoops(t, func(t *testing.T, l *corolla.Loop, log *[]error) {
		if err := l.Run(func(task *corolla.Task) error { test(t, task, log); quiet(t, task); return nil }); err != nil {
			t.Error(err)
		}
	})
}

// Connections with smallBuffers make a writer wait who has stuffing to send to a peer that does not
// read.
const stuffing = 1 << 20

var smallBuffers = []corolla.SocketOption{corolla.ReadBuffer(64 << 10), corolla.WriteBuffer(64 << 10)}

// clogged writes more than the system takes while the peer does not read, and returns how much. It
// does not go on for ever where nothing is sent before Data returns.
func clogged(c *transport.Conn) (size int) {
	piece := make([]byte, 256<<10)
	for more := 0; more < 4; size += len(piece) { // as its buffers may still grow
		_ = c.Write(piece)
		if c.Buffered() > 0 {
			more++
		}
	}
	return size
}

// keepers returns the server's sides of connections, which stay open at the end of the stream,
// and the clients'.
func keepers(t *testing.T, task *corolla.Task, n int) (sides []*keeper, clients []*aio.Conn) {
	t.Helper()
	srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
		sides = append(sides, &keeper{})
		return sides[len(sides)-1]
	}, transport.Options(smallBuffers...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c, err := aio.Dial(task, "tcp", srv.Addr().String(), smallBuffers...)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
		until(t, task, func() bool { return len(sides) == i+1 && sides[i].conn != nil })
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	return sides, clients
}

// endAll ends what keepers has made.
func endAll(t *testing.T, task *corolla.Task, sides []*keeper, clients []*aio.Conn) {
	t.Helper()
	for i, k := range sides {
		k.conn.Abort()
		_ = clients[i].Close() // or the test did
		if err := k.wait(t, task); err == errNotRecorded {
			t.Error(err)
		}
	}
}

// tlsPair returns a server's protocol's connection with TLS, and the client's.
func tlsPair(t *testing.T, task *corolla.Task, p transport.Protocol) *aio.Conn {
	t.Helper()
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0",
		&tls.Config{Certificates: []tls.Certificate{cert}}, func(*transport.Conn) transport.Protocol { return p }, transport.Options(smallBuffers...))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	a, err := aio.DialTLS(task, "tcp", srv.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}, smallBuffers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// settled waits for a result, and fails if it does not come.
func settled(t *testing.T, task *corolla.Task, f *corolla.Future[int64]) (n int64, err error) {
	t.Helper()
	until(t, task, f.Done)
	return f.Result()
}

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

// served runs test with a server's protocol and a client in push style. Both are ended behind it.
func served(t *testing.T, newServer func() *recorder, test func(t *testing.T, task *corolla.Task, server, client *recorder)) {
	t.Helper()
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		server, client := newServer(), &recorder{}
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := transport.Dial(task.Loop(), "tcp", srv.Addr().String(), client).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return server.conn != nil })
		test(t, task, server, client)
		c.Close()
		for _, r := range []*recorder{client, server} {
			if err := r.wait(t, task); err == errNotRecorded {
				t.Error(err)
			}
		}
	})
}
