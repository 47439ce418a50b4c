package transport_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

func TestIdleTimeout(t *testing.T) {
	serve(t, &recorder{onOpen: func(c *transport.Conn) { c.SetIdleTimeout(3 * time.Millisecond) }}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		if err := ended(t, task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Closed with %v", err)
		}
	})
}

func TestIdleTimeCountsFromTheLastByte(t *testing.T) {
	const limit, step = 50 * time.Millisecond, 30 * time.Millisecond
	for name, act := range map[string]func(t *testing.T, task *corolla.Task, c *transport.Conn, peer *aio.Conn){
		"received": func(t *testing.T, task *corolla.Task, _ *transport.Conn, peer *aio.Conn) {
			mustWrite(t, task, peer, "x")
		},
		"written": func(t *testing.T, _ *corolla.Task, c *transport.Conn, _ *aio.Conn) {
			if err := c.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := sim.New(1).NewLoop() // whose time is exact
			defer leaktest.Close(t, l)
			if err := l.Run(func(task *corolla.Task) error {
				sides, clients := keepers(t, task, 1)
				k := sides[0]
				k.conn.SetIdleTimeout(limit)
				var last time.Duration
				for range 5 {
					pause(t, task, step)
					last = l.Now()
					act(t, task, k.conn, clients[0])
				}
				if err := k.wait(t, task); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Closed got %v", err)
				}
				if idle := l.Now() - last; idle < limit || idle > limit+5*time.Millisecond { // with the way through the network
					t.Errorf("it was idle for %v, with a limit of %v", idle, limit)
				}
				endAll(t, task, sides, clients)
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIdleTimeoutKnowsOfBothWaysOfAProxy(t *testing.T) {
	l := sim.New(1).NewLoop() // whose time is exact
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		sides, clients := keepers(t, task, 2)
		for i, k := range sides {
			k.conn.SpliceTo(sides[1-i].conn).OnDone(func(f *corolla.Future[int64]) { _, _ = f.Result() })
			k.conn.SetIdleTimeout(50 * time.Millisecond)
		}
		b := make([]byte, 1)
		for range 40 { // one way alone
			mustWrite(t, task, clients[0], "x")
			if _, err := clients[1].ReadFull(task, b); err != nil {
				t.Fatal(err)
			}
			pause(t, task, 5*time.Millisecond)
		}
		pause(t, task, time.Second)
		for _, k := range sides {
			if !errors.Is(k.err, os.ErrDeadlineExceeded) {
				t.Errorf("idle at last: %v", k.err)
			}
		}
		endAll(t, task, sides, clients)
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// A deadline holds however often the peer says something.
func TestDeadlineEndsAConnectionThatIsNeverIdle(t *testing.T) {
	serve(t, &recorder{onOpen: func(c *transport.Conn) {
		c.SetIdleTimeout(time.Hour)
		c.SetTimeout(time.Hour)
		c.SetTimeout(50 * time.Millisecond)
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		talker := task.Loop().Go(func(task *corolla.Task) error {
			for {
				if _, err := client.Write(task, []byte("x")); err != nil {
					return err
				}
				if err := task.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
		})
		if err := ended(t, task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("closed with %v", err)
		}
		wantSaid(t, "opened data closed")
		talker.Cancel(nil)
		_, _ = talker.Await(task)
	})
}
