package transport_test

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
	"github.com/corolla-go/corolla/transport"
)

func TestClosedIsNeverCalledWithinClose(t *testing.T) { // rules 38, 39
	for name, c := range map[string]struct {
		end      func(*transport.Conn)
		is, peer error
	}{
		"close": {(*transport.Conn).Close, nil, io.EOF},
		"abort": {(*transport.Conn).Abort, transport.ErrAborted, syscall.ECONNRESET},
	} {
		serve(t, &recorder{onData: func(conn *transport.Conn, _ []byte) {
			c.end(conn)
			c.end(conn)
			rec().say("returned")
			if err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) { // differences 8, 9
				t.Errorf("Write after %s: %v", name, err)
			}
		}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
			mustWrite(t, task, client, "go")
			if err := ended(t, task); err != c.is {
				t.Errorf("after %s Closed got %v", name, err)
			}
			wantSaid(t, "opened data returned closed")
			if _, err := readAll(t, task, client); !errors.Is(err, c.peer) {
				t.Errorf("after %s the client reads %v, want %v", name, err, c.peer)
			}
		})
	}
}

func TestCloseFlushesFirst(t *testing.T) { // rules 39, 40
	size := 0
	serve(t, &recorder{onOpen: func(c *transport.Conn) {
		size = clogged(c)
		c.Close()
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		got, err := readAll(t, task, client)
		if len(got) != size || err != io.EOF {
			t.Errorf("received %d bytes of %d, %v", len(got), size, err)
		}
		if err := ended(t, task); err != nil {
			t.Errorf("Closed with %v", err)
		}
	})
}

// The peer goes on sending to one that has closed and still has something to send.
func TestNoDataAfterClose(t *testing.T) { // rules 38, 39
	serve(t, &recorder{onOpen: func(c *transport.Conn) { clogged(c) }, onData: func(c *transport.Conn, b []byte) {
		rec().say("%s", b)
		c.Close()
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "a")
		until(t, task, func() bool { return strings.HasSuffix(rec().String(), "a") })
		for range 20 {
			mustWrite(t, task, client, "late")
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := readAll(t, task, client); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client reads %v", err) // a reset, as what it sent was not read
		}
		_ = ended(t, task)
		wantSaid(t, "opened data a closed")
	})
}

// closer is a recorder that has its side closed at the end of the stream.
type closer struct{ keeper }

func (k *closer) EOF(c *transport.Conn) bool {
	_ = c.Write([]byte("bye"))
	k.keeper.EOF(c)
	return false
}

func TestEndOfThePeersStreamThatCloses(t *testing.T) { // rule 43
	serve(t, &closer{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		if err := client.CloseWrite(); err != nil {
			t.Error(err)
		}
		if got, err := readAll(t, task, client); got != "bye" || err != io.EOF {
			t.Errorf("received %q, %v", got, err)
		}
		if err := ended(t, task); err != nil {
			t.Errorf("Closed with %v", err)
		}
		wantSaid(t, "opened eof closed")
	})
}

func TestPanicInDataResets(t *testing.T) { // rule 44
	serve(t, &recorder{onData: func(c *transport.Conn, b []byte) {
		rec().say("%d logged before", len(*logged))
		_ = c.Write([]byte("half of an answer"))
		panic("oops")
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "x")
		var p *corolla.PanicError
		err := ended(t, task)
		if !errors.As(err, &p) || p.Value != "oops" {
			t.Errorf("Closed with %v", err)
		}
		if peer := client.LocalAddr().String(); !strings.Contains(p.Where, "recorder of tcp ") || !strings.HasSuffix(p.Where, "-> "+peer) {
			t.Errorf("the panic was in %q, and the peer is %s", p.Where, peer)
		}
		if len(*logged) != 1 || (*logged)[0] != error(p) {
			t.Errorf("the handler got %v", *logged)
		}
		wantSaid(t, "opened data 0 logged before 1 logged at closed")
		if got, err := readAll(t, task, client); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client reads %q, %v: it must not take that for a whole answer", got, err)
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

// Two that close, with more to send than the other takes, and neither reads any more.
func TestClosingEachOtherEnds(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		server, client := &recorder{}, &recorder{}
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			return err
		}
		defer srv.Close()
		if _, err := transport.Dial(l, "tcp", srv.Addr().String(), client).Await(task); err != nil {
			return err
		}
		until(t, task, func() bool { return server.conn != nil })
		for _, r := range []*recorder{server, client} {
			_ = r.conn.Write(make([]byte, 1<<20))
			r.conn.Close()
		}
		pause(t, task, 2*time.Minute)
		if server.String() != "opened closed" || client.String() != "opened closed" || !errors.Is(errors.Join(server.err, client.err), os.ErrDeadlineExceeded) {
			t.Errorf("server %q with %v, client %q with %v", server, server.err, client, client.err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// A stream that the peer has reset cannot be ended any more, and that is no news.
func TestCloseWriteOfAConnectionThatWasReset(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 1)
		if err := clients[0].CloseWrite(); err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return strings.HasSuffix(sides[0].String(), "eof") })
		_ = clients[0].Abort()
		for range 10 { // the reset has arrived
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		sides[0].conn.CloseWrite()
		if err := sides[0].wait(t, task); err != nil {
			t.Errorf("Closed got %v", err)
		}
	})
}

func TestCloseStopsReadingAndRefusesWrites(t *testing.T) { // twisted rule 24, differences 8
	served(t, func() *recorder { return &recorder{} }, func(t *testing.T, task *corolla.Task, server, client *recorder) {
		got := ""
		server.onData = func(c *transport.Conn, b []byte) {
			got += string(b)
			_ = c.Write([]byte("an answer that nobody waits for"))
		}
		c := client.conn
		clogged(c)
		server.conn.PauseReading() // so that the client has something to send for a while
		c.Close()
		if err := c.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after Close: %v", err)
		}
		if err := c.WriteBatch([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteBatch after Close: %v", err)
		}
		for range 10 {
			_ = server.conn.Write([]byte("data for one that has closed"))
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		server.conn.ResumeReading()
		_, _ = client.wait(t, task), server.wait(t, task)
		if client.String() != "opened closed" {
			t.Errorf("the client was told %q", client)
		}
		if strings.Contains(got, "late") {
			t.Error("what was written after Close has arrived")
		}
	})
}

func TestReasonsThatClosedGets(t *testing.T) { // twisted rule 26
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	panicked := func(err error) bool {
		var p *corolla.PanicError
		return errors.As(err, &p) && p.Value == "in Data"
	}
	for name, c := range map[string]struct {
		end         func(server, client *recorder)
		here, there func(error) bool // the client's reason, and the server's
	}{
		"local close": {func(_, client *recorder) { client.conn.Close() }, is(nil), is(nil)},
		"peer close":  {func(server, _ *recorder) { server.conn.Close() }, is(nil), is(nil)},
		"abort":       {func(_, client *recorder) { client.conn.Abort() }, is(transport.ErrAborted), is(syscall.ECONNRESET)},
		"reset":       {func(server, _ *recorder) { server.conn.Abort() }, is(syscall.ECONNRESET), is(transport.ErrAborted)},
		"a panic": {func(server, client *recorder) {
			server.onData = func(*transport.Conn, []byte) { panic("in Data") }
			_ = client.conn.Write([]byte("x"))
		}, is(syscall.ECONNRESET), panicked},
	} {
		t.Run(name, func(t *testing.T) {
			served(t, func() *recorder { return &recorder{} }, func(t *testing.T, task *corolla.Task, server, client *recorder) {
				c.end(server, client)
				if strings.Contains(client.String()+server.String(), "closed") {
					t.Error("Closed was called before the call had returned")
				}
				if err := client.wait(t, task); !c.here(err) {
					t.Errorf("the client's reason: %v", err)
				}
				if err := server.wait(t, task); !c.there(err) {
					t.Errorf("the server's reason: %v", err)
				}
			})
		})
	}
}
