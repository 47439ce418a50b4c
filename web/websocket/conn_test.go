package websocket_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web/websocket"
)

// pair returns the two sides of a connection.
func (e *env) pair(opts ...websocket.Option) (client, server *websocket.Conn) {
	e.Helper()
	ln := e.listen()
	serve(e.loop, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if server, err = websocket.Accept(w, r, opts...); err != nil {
			e.Errorf("Accept: %v", err)
		}
	}))
	client, _, err := websocket.Dial(e.task, "ws://"+ln.Addr().String(), opts...)
	e.must(err)
	e.settle(func() bool { return server != nil })
	e.must(ln.Close())
	e.ends = append(e.ends, client.AIO(), server.AIO())
	return client, server
}

// reads wants a text.
func (e *env) reads(c *websocket.Conn, want string) {
	e.Helper()
	kind, b, err := c.Read(e.task)
	if kind != websocket.Text || string(b) != want || err != nil {
		e.Fatalf("Read: %v %s, %v; want %s", kind, brief(string(b)), err, brief(want))
	}
}

func (e *env) writes(c *websocket.Conn, s string) {
	e.Helper()
	e.must(c.Write(e.task, websocket.Text, []byte(s)))
}

// A message that Read returns is the caller's; one of Receive is not. Between messages nothing is held.
func TestReadIsTheCallers(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		for _, s := range []string{"one", "two", "three", ""} {
			e.writes(a, s)
		}
		var all []string
		var kept [][]byte
		for range 3 {
			_, m, err := b.Read(e.task)
			e.must(err)
			kept = append(kept, m)
		}
		_, m, err := b.Receive(e.task)
		if m == nil || len(m) > 0 || err != nil {
			e.Errorf("Receive: %q, %v", m, err)
		}
		e.must(e.task.Sleep(time.Millisecond)) // debug mode overwrites what is lent
		for _, m := range kept {
			all = append(all, string(m))
		}
		if got := strings.Join(all, " "); got != "one two three" {
			e.Errorf("kept %q", got)
		}
		if n := b.Held(); n > 0 {
			e.Errorf("%d bytes are held", n)
		}
	})
}

// A reader that is canceled, in the middle of a message too, loses nothing.
func TestReadCanceled(t *testing.T) {
	for _, as := range roles {
		t.Run(string(as), func(t *testing.T) {
			eachHost(t, func(e *env) {
				var c *websocket.Conn
				p := e.rawTo(as, func(t *corolla.Task, conn *websocket.Conn) error {
					c = conn
					for _, want := range []string{"", "Hello"} {
						var b []byte
						err := t.Timeout(5*time.Millisecond, func(*corolla.Scope) (err error) {
							_, b, err = c.Read(t)
							return err
						})
						if want == "" && !errors.Is(err, os.ErrDeadlineExceeded) {
							e.Errorf("Read: %q, %v", b, err)
						}
					}
					_, b, err := c.Read(t)
					if string(b) != "Hello, world" {
						e.Errorf("Read: %q, %v", b, err)
					}
					return c.Write(t, websocket.Text, b)
				})
				all := p.bytes(begin("Hello"), ping("x"), last(", world"))
				p.send(all[:5])
				e.must(e.task.Sleep(8 * time.Millisecond))
				p.send(all[5:12])
				e.must(e.task.Sleep(8 * time.Millisecond))
				p.send(all[12:])
				p.hears(pong("x"), text("Hello, world"))
			})
		})
	}
}

func TestSecondReader(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		first := e.loop.Go(func(t *corolla.Task) error {
			_, m, err := b.Read(t)
			if string(m) != "x" {
				e.Errorf("Read: %q", m)
			}
			return err
		}, corolla.Eager())
		if _, _, err := b.Read(e.task); err != corolla.ErrBusy {
			e.Errorf("a second reader: %v", err)
		}
		e.writes(a, "x")
		e.await(first)
		e.writes(a, "y")
		e.reads(b, "y")
	})
}

// A second reader leaves the first one what it is: the one to see the end of the connection.
func TestSecondReaderChangesNothing(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		reader := e.loop.Go(func(t *corolla.Task) error { _ = echo(t, a); return nil }, corolla.Eager())
		if _, _, err := a.Read(e.task); err != corolla.ErrBusy {
			e.Errorf("a second reader: %v", err)
		}
		other := e.aside(func(t *corolla.Task) error { _ = echo(t, b); return nil })
		e.must(a.Close(e.task, websocket.CodeNormal, ""))
		e.await(reader)
		e.await(other)
	})
}

// Who reads what has arrived already, and so never waits, lets others run all the same.
func TestReadIsFair(t *testing.T) {
	eachHost(t, func(e *env) {
		const messages = 5000
		turns, longest := 0, 0
		done := false
		p := e.rawTo(server, func(t *corolla.Task, c *websocket.Conn) error {
			for last, since := turns, 0; ; since++ {
				if turns != last {
					last, since = turns, 0
				}
				longest = max(longest, since)
				if _, _, err := c.Receive(t); err != nil {
					done = true
					return err
				}
			}
		})
		e.aside(func(t *corolla.Task) error {
			for !done {
				turns++
				if err := t.Yield(); err != nil {
					return err
				}
			}
			return nil
		})
		p.say(append(repeat(messages, text("")), bye(1000, ""))...)
		p.hears(bye(1000, ""))
		e.must(p.Close())
		e.settle(func() bool { return done })
		if longest > 200 { // Checkpoint's share is 64
			e.Errorf("%d messages were read without letting others run", longest)
		}
	})
}

// Messages of several writers, and answers to pings, never get into one another.
func TestWritersDoNotInterleave(t *testing.T) {
	eachHost(t, func(e *env) {
		const writers, size = 4, 300 << 10
		p := e.rawTo(server, func(t *corolla.Task, c *websocket.Conn) error {
			return t.Group(func(g *corolla.Group) error {
				for i := range writers {
					g.Go(func(t *corolla.Task) error {
						return c.Write(t, websocket.Text, []byte(strings.Repeat(string(rune('a'+i)), size)))
					})
				}
				return echo(t, c)
			})
		})
		for range 10 {
			p.say(ping("x"))
		}
		seen := map[string]int{}
		for len(seen) < writers+1 { // a ping is answered at least when there is room again
			f, err := p.hear()
			e.must(err)
			if f.op == fin|1 && f.text != strings.Repeat(f.text[:1], size) {
				e.Errorf("a mixed message: %s", f)
			}
			seen[f.text[:1]]++
		}
		p.say(bye(1000, ""))
		f := pong("x")
		for err := error(nil); f == pong("x"); f, err = p.hear() {
			e.must(err)
		}
		if f != bye(1000, "") {
			e.Errorf("at the end: %s", f)
		}
	})
}

// If a part of a message was accepted when its writer is canceled, nothing can follow it.
func TestWriteCanceledHalfway(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair(websocket.MaxMessage(16 << 20))
		err := e.task.Timeout(5*time.Millisecond, func(*corolla.Scope) error {
			return a.Write(e.task, websocket.Binary, make([]byte, 8<<20))
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Fatalf("Write: %v", err)
		}
		if err := a.TryWrite(websocket.Text, nil); !errors.Is(err, net.ErrClosed) {
			e.Errorf("TryWrite behind half a message: %v", err)
		}
		if _, m, err := b.Read(e.task); err == nil {
			e.Errorf("the other side has read %d bytes", len(m))
		}
	})
}

func TestWriteKind(t *testing.T) {
	eachHost(t, func(e *env) {
		a, _ := e.pair()
		defer func() {
			if s, _ := recover().(string); !strings.Contains(s, "Text or Binary") {
				e.Errorf("panicked with %q", s)
			}
		}()
		_ = a.Write(e.task, 8, nil)
	})
}

// A stream that ends without a close frame was cut off, for every later call too.
func TestEndWithoutClose(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		e.writes(a, "last")
		e.must(a.CloseNow())
		e.reads(b, "last")
		for range 2 {
			if _, _, err := b.Read(e.task); err != io.ErrUnexpectedEOF {
				e.Errorf("Read: %v", err)
			}
		}
		if err := b.Write(e.task, websocket.Text, nil); err != io.ErrUnexpectedEOF {
			e.Errorf("Write: %v", err)
		}
		if err := b.Close(e.task, websocket.CodeNormal, ""); !errors.Is(err, net.ErrClosed) {
			e.Errorf("Close: %v", err)
		}
		if err := a.CloseNow(); !errors.Is(err, net.ErrClosed) {
			e.Errorf("a second CloseNow: %v", err)
		}
	})
}

func TestGreen(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		h := green.NewHub(e.loop)
		th := h.Go(func() error {
			g := b.Green(h)
			kind, m, err := g.Read()
			if err != nil {
				return err
			}
			if err := g.Write(kind, append(m, '!')); err != nil {
				return err
			}
			if _, _, err = g.Read(); !errors.As(err, new(*websocket.CloseError)) || g.Conn() != b {
				e.Errorf("Read: %v", err)
			}
			return nil
		})
		g := a.Green(h)
		e.must(g.Write(websocket.Text, []byte("Hello")))
		e.reads(a, "Hello!")
		reader := e.loop.Go(func(t *corolla.Task) error { _ = echo(t, a); return nil }, corolla.Eager())
		e.must(g.Ping())
		e.must(g.Close(websocket.CodeGoingAway, "done"))
		e.await(reader)
		e.must(th.Join())
	})
}
