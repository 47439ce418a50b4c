package cluster_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go"
)

// TestFullOutgoing holds the writer up, and sees what each way to overflow does.
func TestFullOutgoing(t *testing.T) {
	const room = 10
	for _, c := range []struct {
		name             string
		overflow         cluster.Overflow
		refused, dropped uint64
		first            byte // that arrives in the end
	}{
		{"refuse", cluster.Refuse, 5, 0, 0},
		{"drop newest", cluster.DropNewest, 0, 5, 0},
		{"drop oldest", cluster.DropOldest, 0, 5, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				testFull(t, task, c.overflow, c.refused, c.dropped, c.first, room)
			})
		})
	}
}

func testFull(t *testing.T, task *corolla.Task, overflow cluster.Overflow, refused, dropped uint64, first byte, room int) {
	conn := embed(t, task, cluster.Outgoing(room, 1<<20, overflow))
	sub := must(conn.Subscribe("a"))(t)
	must(conn.Flush().Await(task))(t)
	cluster.HoldWriter(conn, func() {
		for i := range room + 5 {
			err := conn.Publish("a", []byte{byte(i)})
			if want := refused > 0 && i >= room; errors.Is(err, cluster.ErrFull) != want {
				t.Errorf("message %d: %v", i, err)
			}
		}
		if s := conn.Stats(); s.Waiting != room || s.Refused != refused || s.Dropped != dropped {
			t.Errorf("%+v", s)
		}
	})
	for i := range room {
		if m := must(sub.Next(task))(t); m.Data[0] != first+byte(i) {
			t.Errorf("message %d is %d", i, m.Data[0])
		}
	}
	must(conn.Flush().Await(task))(t)
	if s := conn.Stats(); s.Waiting != 0 || s.Bytes != 0 {
		t.Errorf("nothing should wait: %+v", s)
	}
	closed(t, task, conn)
}

// TestOutgoingIsBoundedInBytes besides messages. One message is always taken.
func TestOutgoingIsBoundedInBytes(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		cluster.HoldWriter(c, func() {
			if err := c.Publish("a", make([]byte, 2000)); err != nil {
				t.Error(err)
			}
			wantErr(t, "another byte", c.Publish("a", make([]byte, 1)), cluster.ErrFull)
		})
	}, cluster.Outgoing(100, 1000, cluster.Refuse))
}

// TestSlowSubscription loses what is more than its Pending, counts it, and says so. What it keeps is in order.
func TestSlowSubscription(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, errs *[]error) {
		c := embed(t, task)
		const n, pending = 5000, 1000
		sub := must(c.Subscribe("a", cluster.Pending(pending, 1<<20)))(t)
		for i := range n {
			_ = c.Publish("a", []byte{byte(i >> 8), byte(i)})
		}
		until(t, task, "the report", func() bool { return len(*errs) > 0 })
		must(c.Flush().Await(task))(t)
		last, got := -1, 0
		until(t, task, "the rest", func() bool {
			for {
				m, err := sub.TryNext()
				if err != nil {
					return got+sub.Dropped() == n
				}
				i := int(m.Data[0])<<8 | int(m.Data[1])
				if i <= last {
					t.Fatalf("%d after %d", i, last)
				}
				last, got = i, got+1
			}
		})
		var slow *cluster.SlowError
		if !errors.As((*errs)[0], &slow) || slow.Subject != "a" || slow.Dropped == 0 || !errors.Is(slow, nats.ErrSlowConsumer) {
			t.Errorf("reported: %v", *errs)
		}
		if got < pending || got > pending+2*cluster.InletMessages {
			t.Errorf("%d messages arrived, of which %d could wait", got, pending)
		}
		if s := c.Stats(); s.Slow == 0 || s.Slow > uint64(sub.Dropped()) || s.Received != uint64(got) {
			t.Errorf("%d lost, %d received: %+v", sub.Dropped(), got, s)
		}
		*errs = nil
		closed(t, task, c)
	})
}

// TestWhatIsNotSentIsCounted when the connection is closed.
func TestWhatIsNotSentIsCounted(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		cluster.HoldWriter(c, func() {
			for range 7 {
				must(0, c.Publish("a", nil))(t)
			}
			c.Close()
		})
		closed(t, task, c)
		if s := c.Stats(); s.Lost != 7 || s.Waiting != 0 || s.Published != 7 {
			t.Errorf("%+v", s)
		}
	})
}

// TestNothingIsLostWithinPending, however slow the loop is: what the loop has no room for waits in nats.go.
func TestNothingIsLostWithinPending(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		const n = 20_000
		sub := must(c.Subscribe("a"))(t)
		other := must(c.Subscribe("a"))(t)
		for range n {
			if err := c.Publish("a", []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		must(c.Flush().Await(task))(t)
		if n := cluster.AtLoop(sub); n > cluster.InletMessages {
			t.Errorf("%d messages wait for the loop, and there is room for %d", n, cluster.InletMessages)
		}
		got := 0
		other.OnMessage(func(*cluster.Msg) { got++ })
		for range n {
			must(sub.Next(task))(t)
		}
		until(t, task, "all", func() bool { return got == n })
		if sub.Dropped()+other.Dropped() != 0 {
			t.Error("some were lost")
		}
	})
}

// TestManyMessagesWakeTheLoopOnce for those that have come while it was busy.
func TestManyMessagesWakeTheLoopOnce(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		const n = 100
		sub := must(c.Subscribe("a"))(t)
		got := 0
		sub.OnMessage(func(*cluster.Msg) { got++ })
		must(c.Flush().Await(task))(t)
		before := cluster.Wakes(c)
		for range n {
			_ = c.Publish("a", nil)
		}
		for end := time.Now().Add(patience); cluster.AtLoop(sub) < n && time.Now().Before(end); {
			runtime.Gosched() // and hold the loop
		}
		must(0, task.Yield())(t)
		must(0, task.Yield())(t)
		if wakes := cluster.Wakes(c) - before; got != n || wakes != 1 {
			t.Errorf("%d messages of %d, and the loop was woken %d times", got, n, wakes)
		}
	})
}

// TestDrainLosesNothing that was published or received before.
func TestDrainLosesNothing(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		const n = 3000
		got, answers := 0, 0
		must(c.Subscribe("a"))(t).OnMessage(func(m *cluster.Msg) {
			got++
			if err := m.Respond(nil); err != nil {
				t.Error(err)
			}
		})
		for range n {
			c.Request("a", nil, patience).OnDone(func(f *corolla.Future[*cluster.Msg]) {
				if _, err := f.Result(); err == nil {
					answers++
				}
			})
		}
		must(c.Flush().Await(task))(t)
		must(c.Drain(patience).Await(task))(t)
		must(0, task.Yield())(t)
		if got != n || answers != n || c.Status() != cluster.Closed {
			t.Errorf("%d of %d messages, %d answers, %v", got, n, answers, c.Status())
		}
	})
}

// TestDrainEnds when its patience is over, or its subscription has nobody to read it.
func TestDrainEnds(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		sub := must(c.Subscribe("a"))(t)
		_ = c.Publish("a", nil)
		must(c.Flush().Await(task))(t)
		_, err := c.Drain(time.Millisecond).Await(task)
		if !errors.As(err, new(*corolla.TimeoutError)) {
			t.Errorf("Drain: %v", err)
		}
		_, err = sub.Next(task)
		wantErr(t, "Next", err, cluster.ErrClosed)
	})
}

// TestLoopClosesItsConn with everything that waits on it.
func TestLoopClosesItsConn(t *testing.T) {
	l := must(corolla.New(corolla.SlowLimit(0)))(t)
	var err error
	if e := l.Run(func(task *corolla.Task) error {
		c := embed(t, task)
		sub := must(c.Subscribe("a"))(t)
		must(c.Flush().Await(task))(t)
		l.Go(func(task *corolla.Task) error { _, err = sub.Next(task); return nil })
		return task.Yield()
	}); e != nil {
		t.Fatal(e)
	}
	must(0, l.Close())(t)
	if !errors.Is(err, corolla.ErrCanceled) && !errors.Is(err, cluster.ErrClosed) {
		t.Errorf("Next: %v", err)
	}
}

// TestCanceledEmbedLeavesNothing; main_test.go counts goroutines.
func TestCanceledEmbedLeavesNothing(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		f := cluster.Embed(task.Loop())
		must(0, task.Yield())(t)
		must(0, task.Yield())(t)
		f.Cancel(nil)
		_, err := f.Await(task)
		wantErr(t, "Embed", err, corolla.ErrCanceled)
		until(t, task, "the end of the work", func() bool { return task.Loop().Stats().Jobs == 0 })
	})
}
