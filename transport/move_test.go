package transport_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// A moved connection is idle for as long as it may be by what was set last, not by its options.
func TestMovedConnectionKeepsItsIdleTimeout(t *testing.T) {
	const limit = 10 * time.Millisecond
	for name, x := range map[string]struct {
		option, set time.Duration
		ends        bool
	}{
		"set":              {0, limit, true},
		"instead of none":  {time.Hour, limit, true},
		"taken back again": {time.Hour, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var conn *transport.Conn
			r := &recorder{}
			policed(t, func() transport.Protocol {
				return r
			}, func() []corolla.SocketOption {
				r.reset()
				r.onData = func(c *transport.Conn, _ []byte) {
					conn = c
				}
				return []corolla.SocketOption{corolla.IdleTimeout(x.option)}
			}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
				conn = nil
				mustWrite(t, task, client, "x")
				until(t, task, func() bool { return conn != nil })
				conn.SetIdleTimeout(x.set)
				m, err := conn.Move() // in the same turn, so that it has not ended
				if err != nil {
					t.Fatal(err)
				}
				if conn, err = m.To(task.Loop()); err != nil {
					t.Fatal(err)
				}
				if !x.ends {
					if n := task.Loop().Stats().Timers; n != 0 {
						t.Errorf("%d timers for a limit that was taken back", n)
					}
					conn.Close()
				}
				if err := r.ended.Wait(task); err != nil {
					t.Error(err)
				}
				if !x.ends {
					if r.err != nil {
						t.Errorf("it ended with %v", r.err)
					}
					return
				}
				var timeout *corolla.TimeoutError
				if err := r.err; !errors.As(err, &timeout) || !errors.Is(err, os.ErrDeadlineExceeded) || timeout.After != limit {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}

// Those who keep a connection, and are not its protocol, hear that it is gone, and only they.
func TestMovedConnectionIsOverForThoseWhoKeepIt(t *testing.T) {
	served(t, func() *recorder { return &recorder{} }, func(t *testing.T, task *corolla.Task, a, b *recorder) {
		var said []string
		note := func(err error) {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("OnClosed: %v", err)
			}
			said = append(said, err.Error())
		}
		a.conn.OnClosed(note)
		m, err := a.conn.Move()
		if err != nil {
			t.Fatal(err)
		}
		a.conn.OnClosed(note)
		if len(said) != 0 {
			t.Error("told within the call")
		}
		until(t, task, func() bool { return len(said) == 2 })
		a.conn.OnClosed(note)
		until(t, task, func() bool { return len(said) == 3 })
		c, err := m.To(task.Loop())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.err; err != nil || strings.Contains(a.String(), "closed") {
			t.Errorf("the protocol was told %q, %v", a, err)
		}
		c.Close()
		if err := errors.Join(a.ended.Wait(task), b.ended.Wait(task)); err != nil || len(said) != 3 {
			t.Errorf("%v; in the end it was told %q", err, said)
		}
	})
}
