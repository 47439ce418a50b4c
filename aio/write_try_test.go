package aio_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// fill makes the outbox of a connection hold so much, to the byte.
func fill(t *testing.T, task *corolla.Task, c *aio.Conn, size int) {
	t.Helper()
	c.SetWriteMarks(-1, 4*stuffing)
	send(t, task, c, string(bytes.Repeat([]byte{'s'}, stuffing)))
	for range 10 { // the system's buffers may still move
		_ = task.Yield()
	}
	if c.Buffered() > size {
		t.Fatalf("%d bytes are in the outbox, of which %d are wanted", c.Buffered(), size)
	}
	send(t, task, c, string(bytes.Repeat([]byte{'s'}, size-c.Buffered())))
	if c.Buffered() != size {
		t.Fatalf("%d bytes are in the outbox, of which %d are wanted", c.Buffered(), size)
	}
}

// TryWrite takes what keeps the outbox within its mark, to the byte, and nothing of what does not.
func TestTryWriteUpToTheMark(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		const held = stuffing + 1000
		fill(t, task, a, held)
		a.SetWriteMarks(-1, held+10)
		if err := a.TryWrite(make([]byte, 11)); err != corolla.ErrWouldBlock || a.Buffered() != held {
			t.Errorf("a byte too many: %v, and %d are in the outbox", err, a.Buffered())
		}
		if err := a.TryWrite(bytes.Repeat([]byte{'x'}, 10)); err != nil || a.Buffered() != held+10 {
			t.Errorf("up to the mark: %v, and %d are in the outbox", err, a.Buffered())
		}
		if err := a.TryWrite([]byte("x")); err != corolla.ErrWouldBlock {
			t.Errorf("above the mark: %v", err)
		}
		_ = a.CloseWrite()
		got := everything(t, task, b)
		if last := got[len(got)-1]; len(got) != 2 || last != (run{'x', 10}) {
			t.Errorf("received %v", got)
		}
	})
}

// One message may be larger than the mark: it is taken when nothing is to be sent.
func TestTryWriteOfMoreThanTheMark(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, 10)
		if err := a.TryWrite(make([]byte, stuffing)); err != nil || a.Buffered() == 0 {
			t.Errorf("TryWrite: %v, and %d are in the outbox", err, a.Buffered())
		}
		if err := a.TryWrite(nil); err != corolla.ErrWouldBlock {
			t.Errorf("TryWrite above the mark: %v", err)
		}
		if _, err := b.ReadFull(task, make([]byte, stuffing)); err != nil {
			t.Error(err)
		}
	})
}

// Who writes much within one turn to a peer that takes it all is not refused. (The simulated system
// takes less than it is given now and then.)
func TestTryWriteManyInOneTurn(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, 100)
		for i := range 100 {
			err := a.TryWrite(make([]byte, 60))
			if err == corolla.ErrWouldBlock && strings.HasSuffix(t.Name(), "/sim") {
				return
			}
			if err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		if _, err := b.ReadFull(task, make([]byte, 6000)); err != nil {
			t.Error(err)
		}
	})
}

// A message never comes between the pieces of another, nor before one that was there first.
func TestTryWriteWhileOthersWrite(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		send(t, task, a, "x") // one that is done
		if _, err := b.ReadFull(task, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		first := writing(task, a, 'a', stuffing)
		a.SetWriteMarks(-1, 4*stuffing) // so that it is not the mark that refuses
		if err := a.TryWrite([]byte("x")); err != corolla.ErrWouldBlock {
			t.Errorf("while a Write is half done: %v", err)
		}
		got := make([]byte, stuffing)
		if _, err := b.ReadFull(task, got); !slices.Equal(runs(got), []run{{'a', stuffing}}) || err != nil {
			t.Errorf("received %v, %v", runs(got), err)
		}
		if n, err := first.Await(task); n != stuffing || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
		fill(t, task, a, stuffing)
		flush := task.Loop().Go(func(task *corolla.Task) error { return a.Flush(task) }, corolla.Eager())
		if err := a.TryWrite([]byte("x")); err != nil {
			t.Errorf("while somebody waits for all to be sent: %v", err)
		}
		behind := writing(task, a, 'b', 1)
		if err := a.TryWrite([]byte("x")); err != corolla.ErrWouldBlock {
			t.Errorf("while a Write stands in line: %v", err)
		}
		_ = b.Abort()
		_, _ = flush.Await(task)
		_, _ = behind.Await(task)
	})
}

// A Write that has given all it has, and waits for room, leaves room for what fits.
func TestTryWriteWhileAWriteWaitsForRoom(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, _ *aio.Conn) {
		fill(t, task, a, stuffing)
		a.SetWriteMarks(10, stuffing+5)
		all := writing(task, a, 'a', 10)
		if all.Done() {
			t.Fatal("Write did not wait")
		}
		a.SetWriteMarks(10, 2*stuffing)
		if err := a.TryWrite([]byte("x")); err != nil {
			t.Errorf("TryWrite behind a Write that has given all: %v", err)
		}
		_ = a.Abort()
		_, _ = all.Await(task)
	})
}

func TestTryWriteErrors(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(task *corolla.Task, c *aio.Conn)
		is    error
	}{
		"deadline":      {func(task *corolla.Task, c *aio.Conn) { _ = c.SetWriteDeadline(task.Loop().Time()) }, os.ErrDeadlineExceeded},
		"end written":   {func(_ *corolla.Task, c *aio.Conn) { _ = c.CloseWrite() }, net.ErrClosed},
		"closed":        {func(_ *corolla.Task, c *aio.Conn) { _ = c.Close() }, net.ErrClosed},
		"socket closed": {func(_ *corolla.Task, c *aio.Conn) { _ = c.Socket().Close() }, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, _ *aio.Conn) {
				c.begin(task, a)
				err := a.TryWrite([]byte("x"))
				var op *net.OpError
				if !errors.Is(err, c.is) || !errors.As(err, &op) || op.Op != "write" {
					t.Errorf("TryWrite: %v, want %v", err, c.is)
				}
			})
		})
	}
}

// Nobody has begun the handshake yet, and TryWrite cannot.
func TestTryWriteBeforeTLSBegins(t *testing.T) {
	_, cert := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, err := aio.ListenTLS(task.Loop(), "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		c, peer := oneOf(t, task, ln)
		if err := c.TryWrite([]byte("x")); err != corolla.ErrWouldBlock {
			t.Errorf("TryWrite: %v", err)
		}
		_, _ = c.Abort(), peer.Abort()
	})
}

// Before the handshake nothing can be said; then it goes through TLS.
func TestTryWriteWithTLS(t *testing.T) {
	ca, cert := newCA(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		var before error
		f := task.Loop().Go(func(task *corolla.Task) error {
			if err := task.Yield(); err != nil {
				return err
			}
			before = a.TryWrite([]byte("too soon"))
			return nil
		}, corolla.Eager())
		tlsPair(t, task, ca, cert, a, b)
		if _, err := f.Await(task); err != nil || before != corolla.ErrWouldBlock {
			t.Errorf("before the handshake is done: %v", before)
		}
		if err := a.TryWrite([]byte("hello")); err != nil {
			t.Error(err)
		}
		got := make([]byte, 5)
		if err := task.Timeout(time.Minute, func(*corolla.Scope) error {
			_, err := b.ReadFull(task, got)
			return err
		}); string(got) != "hello" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}
