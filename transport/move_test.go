package transport_test

import (
	"errors"
	"os"
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
		"taken back again": {limit, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var conn *transport.Conn
			r := &recorder{}
			policed(t, func() transport.Protocol {
				return r
			}, func() []corolla.SocketOption {
				r.reset()
				r.onData = func(c *transport.Conn, _ []byte) {
					c.SetIdleTimeout(x.set)
					conn = c
				}
				return []corolla.SocketOption{corolla.IdleTimeout(x.option)}
			}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
				conn = nil
				mustWrite(t, task, client, "x")
				until(t, task, func() bool { return conn != nil })
				m, err := conn.Move()
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
