package transport_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// pair gives test the Conn that p has on two pipes, and the other ends of these.
func pair(t *testing.T, p transport.Protocol, until func(error, func(error)),
	test func(t *testing.T, task *corolla.Task, c *transport.Conn, toIt, fromIt *aio.Conn),
) {
	t.Helper()
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		p.(interface{ reset() }).reset()
		in, theirOut, err := task.Loop().Pipe()
		if err != nil {
			t.Fatal(err)
		}
		theirIn, out, err := task.Loop().Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c := transport.NewPair(in, out, p, until)
		toIt, fromIt := aio.NewConn(theirOut), aio.NewConn(theirIn)
		test(t, task, c, toIt, fromIt)
		_, _ = toIt.Close(), fromIt.Close() // or the test has
	})
}

func TestPairReadsFromOneAndWritesToTheOther(t *testing.T) {
	p := newLouder()
	pair(t, p, nil, func(t *testing.T, task *corolla.Task, c *transport.Conn, toIt, fromIt *aio.Conn) {
		mustWrite(t, task, toIt, "hello")
		b := make([]byte, 5)
		if _, err := fromIt.ReadFull(task, b); string(b) != "HELLO" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		if c.LocalAddr() != nil || c.RemoteAddr() != nil || c.String() == "" {
			t.Errorf("%v: %v, %v", c, c.LocalAddr(), c.RemoteAddr())
		}
		_ = toIt.Close()
		if got, err := readAll(t, task, fromIt); got != "" || err == nil {
			t.Errorf("at the end: %q, %v", got, err)
		}
		if err := p.wait(t, task); err != nil || p.String() != "opened data closed" {
			t.Errorf("%s, %v", p, err)
		}
	})
}

// TestPairSendsAllBeforeItCloses: more than a pipe holds.
func TestPairSendsAllBeforeItCloses(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	p := &recorder{onOpen: func(c *transport.Conn) { _ = c.Write([]byte(big)); c.Close() }}
	pair(t, p, nil, func(t *testing.T, task *corolla.Task, _ *transport.Conn, _, fromIt *aio.Conn) {
		if got, _ := readAll(t, task, fromIt); got != big {
			t.Errorf("%d bytes of %d", len(got), len(big))
		}
		if err := p.wait(t, task); err != nil {
			t.Error(err)
		}
	})
}

// TestPairHalfClose: the end of its stream, in either direction, leaves the other open.
func TestPairHalfClose(t *testing.T) {
	k := &keeper{}
	pair(t, k, nil, func(t *testing.T, task *corolla.Task, c *transport.Conn, toIt, fromIt *aio.Conn) {
		until(t, task, func() bool { return k.conn != nil })
		_ = c.Write([]byte("bye"))
		c.CloseWrite()
		if got, _ := readAll(t, task, fromIt); got != "bye" {
			t.Errorf("it said %q", got)
		}
		mustWrite(t, task, toIt, "still")
		until(t, task, func() bool { return strings.HasSuffix(k.String(), "data") })
		_ = toIt.Close()
		if err := k.wait(t, task); err != nil || k.String() != "opened data eof closed" {
			t.Errorf("%s, %v", k, err)
		}
	})
}

// TestPairHearsOutWhoDoesNotListen: nobody takes what is written, and what is said still arrives.
func TestPairHearsOutWhoDoesNotListen(t *testing.T) {
	var got strings.Builder
	p := &recorder{onData: func(_ *transport.Conn, b []byte) { got.Write(b) }}
	pair(t, p, nil, func(t *testing.T, task *corolla.Task, c *transport.Conn, toIt, fromIt *aio.Conn) {
		until(t, task, func() bool { return p.conn != nil })
		got.Reset()
		_ = fromIt.Close()
		_ = c.Write([]byte("lost"))
		if err := c.Write([]byte("refused")); err == nil {
			t.Error("a write that cannot arrive is accepted")
		}
		mustWrite(t, task, toIt, "all the same")
		_ = toIt.Close()
		if err := p.wait(t, task); !errors.Is(err, syscall.EPIPE) || got.String() != "all the same" {
			t.Errorf("got %q, Closed %v", got.String(), err)
		}
	})
}

// TestPairHearsAtOnceThatNobodyReads: before the next write, which is then refused.
func TestPairHearsAtOnceThatNobodyReads(t *testing.T) {
	p := &recorder{}
	pair(t, p, nil, func(t *testing.T, task *corolla.Task, c *transport.Conn, toIt, fromIt *aio.Conn) {
		until(t, task, func() bool { return p.conn != nil })
		from := &pushing{conn: c}
		if err := c.RegisterProducer(from); err != nil {
			t.Fatal(err)
		}
		_ = fromIt.Close()
		until(t, task, func() bool { return from.stops == 1 })
		if err := c.Write([]byte("refused")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write that nobody will read: %v", err)
		}
		mustWrite(t, task, toIt, "still heard")
		_ = toIt.Close()
		if err := p.wait(t, task); err != nil || p.String() != "opened data closed" || from.stops != 1 {
			t.Errorf("%s, %v; the producer was stopped %d times", p, err, from.stops)
		}
	})
	waits := &recorder{} // for its producer, to close
	pair(t, waits, nil, func(t *testing.T, task *corolla.Task, c *transport.Conn, _, fromIt *aio.Conn) {
		until(t, task, func() bool { return waits.conn != nil })
		from := &pushing{conn: c}
		if err := c.RegisterProducer(from); err != nil {
			t.Fatal(err)
		}
		c.Close()
		_ = fromIt.Close()
		if err := waits.wait(t, task); err != nil || from.stops != 1 {
			t.Errorf("Close waits for a producer that nobody listens to: %v, stopped %d times", err, from.stops)
		}
	})
}

// TestPairUntil: Closed waits, and gets what it is told.
func TestPairUntil(t *testing.T) {
	other := errors.New("other")
	p := &recorder{}
	var why error
	var done func(error)
	pair(t, p, func(err error, d func(error)) { why, done = err, d }, func(t *testing.T, task *corolla.Task, c *transport.Conn, _, _ *aio.Conn) {
		until(t, task, func() bool { return p.conn != nil })
		c.Abort()
		for range 5 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if done == nil || why != transport.ErrAborted || p.String() != "opened" {
			t.Fatalf("until got %v; %s", why, p)
		}
		done(other)
		if err := p.wait(t, task); err != other {
			t.Error(err)
		}
	})
}
