package websocket_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web/websocket"
)

func TestClose(t *testing.T) {
	eachHost(t, func(e *env) {
		for range 2 {
			a, b := e.pair()
			var got error
			reader := e.aside(func(t *corolla.Task) error { got = echo(t, b); return nil })
			e.must(a.Close(e.task, websocket.CodeGoingAway, "the reason"))
			e.await(reader)
			var c *websocket.CloseError
			if !errors.As(got, &c) || *c != (websocket.CloseError{Code: websocket.CodeGoingAway, Reason: "the reason"}) {
				e.Errorf("the other side: %v", got)
			}
			if err := a.Close(e.task, websocket.CodeNormal, ""); !errors.Is(err, net.ErrClosed) {
				e.Errorf("a second Close: %v", err)
			}
			if err := a.Write(e.task, websocket.Text, nil); err == nil {
				e.Error("Write succeeded after Close")
			}
			if err := b.Write(e.task, websocket.Text, nil); !errors.As(err, &c) {
				e.Errorf("Write after the peer's close: %v", err)
			}
		}
	})
}

// Who closes with a task reading leaves what arrives to that.
func TestCloseWhileReading(t *testing.T) {
	for _, as := range roles {
		t.Run(string(as), func(t *testing.T) {
			eachHost(t, func(e *env) {
				var read []string
				p := e.rawTo(as, func(t *corolla.Task, c *websocket.Conn) error {
					reader := e.loop.Go(func(t *corolla.Task) error {
						for {
							_, b, err := c.Read(t)
							if err != nil {
								read = append(read, err.Error())
								return nil
							}
							read = append(read, string(b))
						}
					}, corolla.Eager())
					err := c.Close(t, websocket.CodeNormal, "")
					_, _ = reader.Await(t)
					return err
				})
				p.hears(bye(1000, ""))
				p.say(text("late"), begin("later"), ping("unanswered"), last(""), bye(4000, "all right"))
				p.hearsEnd()
				e.must(p.Close())
				e.settle(func() bool { return len(read) == 3 })
				if got := strings.Join(read, "; "); got != `late; later; websocket: closed by the peer with code 4000: "all right"` {
					e.Errorf("read %s", got)
				}
			})
		})
	}
}

// A task that does not read drops what arrives, and an unfinished message of before is no obstacle.
func TestCloseWithoutReader(t *testing.T) {
	eachHost(t, func(e *env) {
		var closed error
		p := e.rawTo(server, func(t *corolla.Task, c *websocket.Conn) error {
			_, _, err := c.Read(t)
			e.must(err)
			closed = c.Close(t, websocket.CodeNormal, "")
			return nil
		})
		p.say(text("one"), text("dropped"), begin("half"))
		p.hears(bye(1000, ""))
		p.say(more("of"), last("it"), bye(1000, ""))
		p.hearsEnd()
		e.must(p.Close())
		e.settle(func() bool { return e.loop.Stats().Tasks == 2 })
		if closed != nil {
			e.Errorf("Close: %v", closed)
		}
	})
}

// A peer that does not answer is left, whatever it does instead.
func TestCloseUnanswered(t *testing.T) {
	flood := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		peer func(p *raw, stop func() bool)
		is   error
	}{
		"silence": {func(*raw, func() bool) {}, os.ErrDeadlineExceeded},
		"flood": {func(p *raw, stop func() bool) {
			for !stop() {
				p.say(text(flood))
				p.e.must(p.e.task.Sleep(time.Millisecond))
			}
		}, os.ErrDeadlineExceeded},
		"end": {func(p *raw, _ func() bool) { p.hears(bye(1000, "")); _ = p.Close() }, io.ErrUnexpectedEOF},
		"wrong": {func(p *raw, _ func() bool) {
			p.say(frame{fin | 3, ""})
			p.hears(bye(1000, ""))
			p.hearsEnd()
			_ = p.Close()
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				var err error
				done := false
				p := e.rawTo(server, func(t *corolla.Task, conn *websocket.Conn) error {
					err = conn.Close(t, websocket.CodeNormal, "")
					done = true
					return nil
				}, websocket.CloseTimeout(20*time.Millisecond))
				c.peer(p, func() bool { return done })
				e.settle(func() bool { return done })
				if c.is != nil && !errors.Is(err, c.is) || err == nil {
					e.Errorf("Close: %v, want %v", err, c.is)
				}
			})
		})
	}
}

// Both sides may close at the same time.
func TestCloseFromBothSides(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		other := e.aside(func(t *corolla.Task) error { return b.Close(t, websocket.CodeNormal, "b") })
		e.must(a.Close(e.task, websocket.CodeNormal, "a"))
		e.await(other)
	})
}

// What cannot be sent is refused, and the connection stays.
func TestCloseMisuse(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		for _, c := range []struct {
			code   websocket.Code
			reason string
		}{
			{0, ""},
			{999, ""},
			{1004, ""},
			{1006, ""},
			{1015, ""},
			{2999, ""},
			{5000, ""},
			{websocket.CodeNone, "reason"},
			{websocket.CodeNormal, reason123 + "x"},
			{websocket.CodeNormal, "\xff"},
		} {
			if err := a.Close(e.task, c.code, c.reason); err == nil || errors.Is(err, net.ErrClosed) {
				e.Errorf("Close %d %q: %v", c.code, c.reason, err)
			}
		}
		e.writes(a, "still open")
		e.reads(b, "still open")
	})
}

// CloseNow ends all waits on the connection.
func TestCloseNowWakes(t *testing.T) {
	eachHost(t, func(e *env) {
		a, _ := e.pair()
		var errs []error
		for _, wait := range []func(t *corolla.Task) error{
			func(t *corolla.Task) error { _, _, err := a.Read(t); return err },
			a.Ping,
			func(t *corolla.Task) error { return a.Write(t, websocket.Binary, make([]byte, 8<<20)) },
		} {
			e.loop.Go(func(t *corolla.Task) error { errs = append(errs, wait(t)); return nil }, corolla.Eager())
		}
		e.must(a.CloseNow())
		e.settle(func() bool { return len(errs) == 3 })
		for i, err := range errs {
			if !errors.Is(err, net.ErrClosed) {
				e.Errorf("wait %d: %v", i, err)
			}
		}
	})
}

// With nobody reading, a ping waits for CloseNow only.
func TestCloseNowWakesPing(t *testing.T) {
	eachHost(t, func(e *env) {
		a, _ := e.pair()
		ping := e.loop.Go(func(t *corolla.Task) error {
			if err := a.Ping(t); !errors.Is(err, net.ErrClosed) {
				e.Errorf("Ping: %v", err)
			}
			return nil
		}, corolla.Eager())
		e.must(a.CloseNow())
		e.await(ping)
	})
}

// What a peer does not take within the limit is dropped, and not sent at leisure.
func TestCloseDropsWhatIsNotTaken(t *testing.T) {
	eachHost(t, func(e *env) {
		a, _ := e.pair(websocket.CloseTimeout(10 * time.Millisecond))
		for err := error(nil); err != corolla.ErrWouldBlock; err = a.TryWrite(websocket.Binary, make([]byte, 10_000)) {
			e.must(err)
		}
		if err := a.Close(e.task, websocket.CodeNormal, ""); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Close: %v", err)
		}
		if !a.AIO().Socket().Closed() || a.Buffered() > 0 {
			e.Errorf("%d bytes are still to be sent", a.Buffered())
		}
	})
}

func TestPing(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		for _, c := range []*websocket.Conn{a, b} {
			e.aside(func(t *corolla.Task) error { _ = echo(t, c); return nil })
		}
		e.must(a.Ping(e.task))
		e.must(b.Ping(e.task))
		e.must(a.Close(e.task, websocket.CodeNormal, ""))
		if err := a.Ping(e.task); err == nil {
			e.Error("Ping succeeded after Close")
		}
	})
}

// Only a pong with a ping's payload answers it, and those before it; others are no harm.
func TestPingAnswers(t *testing.T) {
	eachHost(t, func(e *env) {
		var order []string
		p := e.rawTo(server, func(t *corolla.Task, c *websocket.Conn) error {
			for _, name := range []string{"a", "b", "c"} {
				e.loop.Go(func(t *corolla.Task) error {
					err := c.Ping(t)
					if order = append(order, name); name == "c" && !errors.As(err, new(*websocket.CloseError)) {
						e.Errorf("the last ping: %v", err)
					}
					return nil
				}, corolla.Eager())
			}
			err := echo(t, c)
			return err
		})
		var sent []frame
		for range 3 {
			f, err := p.hear()
			e.must(err)
			sent = append(sent, f)
		}
		p.say(pong(""), pong("12345678"), text("x"))
		p.hears(text("x"))
		if len(order) > 0 {
			e.Errorf("answered: %v", order)
		}
		p.say(pong(sent[1].text), text("y"))
		p.hears(text("y"))
		e.settle(func() bool { return len(order) == 2 })
		p.say(bye(1000, ""))
		p.hears(bye(1000, ""))
		e.must(p.Close())
		e.settle(func() bool { return len(order) == 3 })
	})
}

// A peer that is silent is asked, and given up only if it does not answer.
func TestKeepAlive(t *testing.T) {
	for _, as := range roles {
		t.Run(string(as), func(t *testing.T) {
			eachHost(t, func(e *env) {
				var end error
				done := false
				p := e.rawTo(as, func(t *corolla.Task, c *websocket.Conn) error {
					end, done = echo(t, c), true
					return nil
				}, websocket.KeepAlive(10*time.Millisecond, 200*time.Millisecond))
				for range 2 {
					p.hears(ping(""))
					p.say(pong(""))
				}
				p.hears(ping(""))
				if _, err := p.hear(); err == nil || done && !errors.Is(end, os.ErrDeadlineExceeded) {
					e.Errorf("unanswered: %v, %v", err, end)
				}
				e.settle(func() bool { return done })
				if !errors.Is(end, os.ErrDeadlineExceeded) {
					e.Errorf("Read: %v", end)
				}
			})
		})
	}
}

// Nobody reads, so nothing is known of the peer.
func TestKeepAliveWithoutReader(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair(websocket.KeepAlive(time.Millisecond, time.Millisecond))
		e.must(e.task.Sleep(20 * time.Millisecond))
		e.writes(a, "still open")
		e.reads(b, "still open")
	})
}
