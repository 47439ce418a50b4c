package aio_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestDeadlines(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		if err := b.SetReadDeadline(l.Time().Add(time.Millisecond)); err != nil {
			t.Error(err)
		}
		buf := make([]byte, 1)
		for range 2 { // it stays expired
			_, err := b.Read(task, buf)
			var ne net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("Read past its deadline: %v", err)
			}
		}
		_ = b.SetReadDeadline(time.Time{})
		reader := l.Go(func(task *corolla.Task) error { _, err := b.Read(task, buf); return err }, corolla.Eager())
		_ = b.SetDeadline(l.Time().Add(-time.Second)) // for one that waits already
		if _, err := reader.Await(task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a reader that waits: %v", err)
		}
		if _, err := b.Write(task, buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write past its deadline: %v", err)
		}
		_ = a.Close()
		if err := a.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetDeadline after Close: %v", err)
		}
	})
}

func TestOneReader(t *testing.T) { // asyncio rule 48
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		reader := l.Go(func(task *corolla.Task) error { _, err := b.Read(task, make([]byte, 1)); return err }, corolla.Eager())
		if _, err := b.Read(task, make([]byte, 1)); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("a second reader: %v", err)
		}
		writer := l.Go(func(task *corolla.Task) error { _, err := b.Write(task, make([]byte, stuffing)); return err }, corolla.Eager())
		if err := b.Abort(); err != nil {
			t.Error(err)
		}
		for what, f := range map[string]*corolla.Future[struct{}]{"reader": reader, "writer": writer} {
			if _, err := f.Await(task); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the %s of a connection that was aborted: %v", what, err)
			}
		}
		if err := b.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close after Abort: %v", err)
		}
	})
}

// Every method that changes a connection's state refuses goroutines that do not run the loop.
func TestForeignGoroutines(t *testing.T) {
	l := sim.New(1).NewLoop(corolla.Debug())
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		c, peer := oneOf(t, task, ln)
		p := packets(t, task)
		for name, call := range map[string]func(){
			"Close":                  func() { _ = c.Close() },
			"CloseWrite":             func() { _ = c.CloseWrite() },
			"Abort":                  func() { _ = c.Abort() },
			"SetDeadline":            func() { _ = c.SetDeadline(time.Now()) },
			"SetReadDeadline":        func() { _ = c.SetReadDeadline(time.Now()) },
			"SetWriteDeadline":       func() { _ = c.SetWriteDeadline(time.Now()) },
			"SetWriteMarks":          func() { c.SetWriteMarks(0, 0) },
			"SetLimit":               func() { c.SetLimit(1) },
			"TryWrite":               func() { _ = c.TryWrite([]byte("x")) },
			"PacketConn.Close":       func() { _ = p.Close() },
			"PacketConn.SetDeadline": func() { _ = p.SetDeadline(time.Now()) },
		} {
			said := make(chan any)
			go func() {
				defer func() { said <- recover() }()
				call()
			}()
			if text, _ := (<-said).(string); !strings.Contains(text, name[strings.LastIndex(name, ".")+1:]) && !strings.Contains(text, "SetDeadline") {
				t.Errorf("%s from another goroutine: panics with %q", name, text)
			}
		}
		send(t, task, c, "hello\n") // nothing has changed
		if line, err := peer.ReadUntil(task, []byte("\n")); string(line) != "hello\n" || err != nil {
			t.Errorf("read %q, %v", line, err)
		}
		if err := p.WriteTo(task, []byte("x"), p.LocalAddr()); err != nil {
			t.Errorf("WriteTo: %v", err)
		}
		_, _ = c.Abort(), peer.Abort()
		return p.Close()
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
}

// A deadline can be moved while a task waits, to later and to earlier.
func TestDeadlineMoved(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, _, b *aio.Conn) {
		l := task.Loop()
		limit := l.Time().Add(30 * time.Minute)
		reader := l.Go(func(task *corolla.Task) error { _, err := b.Read(task, make([]byte, 1)); return err }, corolla.Eager())
		for _, left := range []time.Duration{time.Hour, 2 * time.Hour, 5 * time.Millisecond} {
			if err := b.SetReadDeadline(l.Time().Add(left)); err != nil {
				t.Error(err)
			}
		}
		err := task.Timeout(5*time.Second, func(*corolla.Scope) error { _, err := reader.Await(task); return err })
		var op *net.OpError
		if !errors.As(err, &op) || !errors.Is(err, os.ErrDeadlineExceeded) || l.Time().After(limit) {
			t.Errorf("Read: %v", err)
		}
	})
}

func TestConnOnAPipe(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		r, w, err := task.Loop().Pipe()
		if err != nil {
			t.Fatal(err)
		}
		a, b := aio.NewConn(w), aio.NewConn(r)
		send(t, task, a, "line one\nline two")
		if line, err := b.ReadUntil(task, []byte("\n")); string(line) != "line one\n" || err != nil {
			t.Errorf("read %q, %v", line, err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if rest, err := io.ReadAll(b.Bind(task)); string(rest) != "line two" || err != nil {
			t.Errorf("read %q, %v", rest, err)
		}
		_ = b.Close()
		if r, w, err = task.Loop().Pipe(); err != nil {
			t.Fatal(err)
		}
		a = aio.NewConn(w)
		_ = r.Close()
		if _, err := a.Write(task, []byte("x")); !errors.Is(err, syscall.EPIPE) || err.Error() != "write pipe: broken pipe" {
			t.Errorf("to a pipe that nobody reads: %v", err)
		}
		if _, err := a.Read(task, make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("reading the writing end: %v", err)
		}
		_ = a.Close()
	})
}

// A network that is of the other kind is refused, not taken for its namesake.
func TestNetworksOfTheWrongKind(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		for name, open := range map[string]func() error{
			"Listen":       func() error { _, err := aio.Listen(l, "udp", "127.0.0.1:0"); return err },
			"Dial":         func() error { _, err := aio.Dial(task, "udp", "127.0.0.1:9"); return err },
			"ListenPacket": func() error { _, err := aio.ListenPacket(l, "tcp", "127.0.0.1:0"); return err },
			"DialPacket":   func() error { _, err := aio.DialPacket(task, "tcp", "127.0.0.1:9"); return err },
			"unixgram":     func() error { _, err := aio.Listen(l, "unixgram", t.TempDir()+"/s"); return err },
		} {
			var unknown net.UnknownNetworkError
			if err := open(); !errors.As(err, &unknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
