package transport_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

func TestSpliceGoesOnWhenReadingIsPausedAndResumed(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 2)
		f := sides[0].conn.SpliceTo(sides[1].conn)
		pause(t, task, time.Millisecond)
		sides[0].conn.PauseReading()
		sides[0].conn.ResumeReading()
		if err := sides[0].conn.ClientTLS(nil, nil); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("TLS on a connection that is spliced: %v", err)
		}
		mustWrite(t, task, clients[0], "hello")
		b := make([]byte, 5)
		if _, err := clients[1].ReadFull(task, b); string(b) != "hello" || err != nil {
			t.Errorf("through the proxy came %q, %v", b, err)
		}
		sides[0].conn.Close()
		if _, err := settled(t, task, f); !errors.Is(err, net.ErrClosed) {
			t.Errorf("its source was closed: %v", err)
		}
		_ = sides[1].conn.Write([]byte("bye"))
		sides[1].conn.Close()
		if rest, err := readAll(t, task, clients[1]); rest != "bye" || err != io.EOF {
			t.Errorf("then came %q, %v", rest, err)
		}
		endAll(t, task, sides, clients)
	})
}

func TestSpliceEndsWithItsDestination(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 2)
		got := ""
		sides[0].onData = func(_ *transport.Conn, b []byte) { got += string(b) }
		f := sides[0].conn.SpliceTo(sides[1].conn)
		pause(t, task, time.Millisecond)
		_ = clients[1].Abort()
		_ = sides[1].wait(t, task)
		if _, err := settled(t, task, f); !errors.Is(err, net.ErrClosed) {
			t.Errorf("its destination is lost: %v", err)
		}
		mustWrite(t, task, clients[0], "for the protocol again")
		until(t, task, func() bool { return got == "for the protocol again" })
		endAll(t, task, sides, clients)
	})
}

func TestSecondSpliceIsNotUndoneByTheFirst(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 3)
		_ = sides[1].conn.Write(make([]byte, stuffing)) // so that the first must wait
		first := sides[0].conn.SpliceTo(sides[1].conn)
		first.Cancel(nil)
		if _, err := first.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		second := sides[0].conn.SpliceTo(sides[2].conn)
		pause(t, task, time.Millisecond)
		sides[1].conn.Abort()
		pause(t, task, time.Millisecond)
		mustWrite(t, task, clients[0], "hello")
		b := make([]byte, 5)
		if _, err := clients[2].ReadFull(task, b); string(b) != "hello" || err != nil {
			t.Errorf("through the second came %q, %v", b, err)
		}
		second.Cancel(nil)
		if _, err := settled(t, task, second); !errors.Is(err, corolla.ErrCanceled) {
			t.Error(err)
		}
		endAll(t, task, sides, clients)
	})
}

// relay is one side of a proxy, which splices once it knows the other.
type relay struct {
	recorder
	other *transport.Conn
}

func (r *relay) EOF(*transport.Conn) bool { r.say("eof"); return true }

func (r *relay) join(t *testing.T, other *transport.Conn) {
	r.other = other
	r.conn.SpliceTo(other).OnDone(func(f *corolla.Future[int64]) {
		if _, err := f.Result(); err != nil {
			t.Errorf("splice: %v", err)
		}
		other.CloseWrite()
	})
}

func TestSpliceTo(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		back, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		in, out := &relay{}, &relay{}
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return in })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		client, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := transport.Dial(l, "tcp", back.Addr().String(), out).Await(task); err != nil {
			t.Fatal(err)
		}
		server, err := back.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		until(t, task, func() bool { return in.conn != nil })
		_ = out.conn.Write([]byte("preface "))
		in.join(t, out.conn)
		out.join(t, in.conn)
		if _, err := in.conn.SpliceTo(out.conn).Await(task); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("spliced twice: %v", err)
		}
		echo := l.Go(func(task *corolla.Task) error {
			_, err := io.Copy(server.Bind(task), server.Bind(task))
			return errors.Join(err, server.CloseWrite())
		})
		text := strings.Repeat("round and round ", 100_000)
		sender := l.Go(func(task *corolla.Task) error {
			_, err := client.Write(task, []byte(text))
			return errors.Join(err, client.CloseWrite())
		})
		got, err := readAll(t, task, client)
		if got != "preface "+text && got != text || err != io.EOF {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(text), err)
		}
		for _, f := range []*corolla.Future[struct{}]{echo, sender} {
			if _, err := f.Await(task); err != nil {
				t.Error(err)
			}
		}
		for _, r := range []*relay{in, out} {
			if err := r.wait(t, task); err != nil || r.String() != "opened eof closed" {
				t.Errorf("a side was told %q, %v", r, err)
			}
		}
	})
}

func TestSpliceToOneThatIsLost(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		var sides []*relay
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			sides = append(sides, &relay{})
			return sides[len(sides)-1]
		})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		dial := func() *aio.Conn {
			c, err := aio.Dial(task, "tcp", srv.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		a, b := dial(), dial()
		until(t, task, func() bool { return len(sides) == 2 && sides[1].conn != nil && sides[0].conn != nil })
		f := sides[0].conn.SpliceTo(sides[1].conn)
		sides[1].conn.Abort()
		mustWrite(t, task, a, "x")
		if _, err := f.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("to one that was aborted: %v", err)
		}
		// The source goes on, for its protocol.
		mustWrite(t, task, a, "y")
		until(t, task, func() bool { return strings.Contains(sides[0].String(), "data") })
		_, _ = a.Close(), b.Close()
		sides[0].conn.Close()
		if err := sides[0].wait(t, task); err != nil {
			t.Error(err)
		}
	})
}
