package transport_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

func TestOrderOfWhatBothSidesAreTold(t *testing.T) { // twisted rule 23
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var here, there []string
		server := &recorder{onOpen: func(*transport.Conn) { there = append(there, "opened") }}
		server.onClose = func() { there = append(there, "closed") }
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			there = append(there, "built")
			return server
		})
		if err != nil {
			t.Fatal(err)
		}
		client := &recorder{onOpen: func(*transport.Conn) { here = append(here, "opened") }}
		client.onClose = func() { here = append(here, "closed") }
		f := transport.Dial(task.Loop(), "tcp", srv.Addr().String(), client)
		f.OnDone(func(*corolla.Future[*transport.Conn]) { here = append(here, "future") })
		c, err := f.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return server.conn != nil })
		c.Close()
		here = append(here, "Close returned")
		_, _ = client.wait(t, task), server.wait(t, task)
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		for range 10 { // nothing comes behind the end
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(here, ", "); got != "opened, future, Close returned, closed" {
			t.Errorf("the client's order: %s", got)
		}
		if got := strings.Join(there, ", "); got != "built, opened, closed" || srv.Conns() != 0 {
			t.Errorf("the server's order: %s; %d connections are left", got, srv.Conns())
		}
	})
}

func TestOpenedAndDataHaveTurnsOfTheirOwn(t *testing.T) { // asyncio rule 37
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		dial := l.Dial("tcp", ln.Addr().String())
		peer, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, peer, "x")
		sock, err := dial.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		if err := sock.WaitReadable(task); err != nil { // the data is there before the protocol is
			t.Fatal(err)
		}
		p := &recorder{}
		transport.New(sock, p)
		for turn := range 4 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
			p.say("turn %d,", turn+1)
		}
		if got := p.String(); got != "opened turn 1, turn 2, data turn 3, turn 4," {
			t.Errorf("it went: %s", got)
		}
		p.conn.Close()
		_ = p.wait(t, task)
		_, _ = peer.Close(), ln.Close()
	})
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

// hesitant does something with its connection when it is asked for a buffer.
type hesitant struct {
	recorder
	buf      [100]byte
	onBuffer func(c *transport.Conn)
}

func (h *hesitant) Buffer(c *transport.Conn) []byte {
	if f := h.onBuffer; f != nil {
		h.onBuffer = nil
		f(c)
	}
	return h.buf[:]
}

func (h *hesitant) Filled(c *transport.Conn, n int) { h.Data(c, h.buf[:n]) }

// What Buffer says of the connection holds for the reading that it was called for.
func TestBufferMayPauseOrEndReading(t *testing.T) {
	for name, act := range map[string]func(c *transport.Conn){
		"PauseReading": (*transport.Conn).PauseReading,
		"Close":        (*transport.Conn).Close,
		"Abort":        (*transport.Conn).Abort,
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, &hesitant{onBuffer: act}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
				p := current.(*hesitant)
				mustWrite(t, task, client, "hello")
				until(t, task, func() bool { return p.onBuffer == nil && p.conn != nil })
				for range 5 {
					_ = task.Yield()
				}
				if name == "PauseReading" {
					if p.String() != "opened" {
						t.Errorf("while reading is paused: %q", p)
					}
					p.conn.ResumeReading()
					until(t, task, func() bool { return p.String() == "opened data" })
					p.conn.Abort()
				} else if p.String() != "opened closed" {
					t.Errorf("%q", p)
				}
				_ = p.wait(t, task)
			})
		})
	}
}
