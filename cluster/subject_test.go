package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

func TestMessagesInATaskAndInACallback(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		sub := must(c.Subscribe("a.*"))(t)
		called := must(c.Subscribe("a.>"))(t)
		var got []string
		called.OnMessage(func(m *cluster.Msg) { got = append(got, m.Subject+"="+string(m.Data)) })
		data := []byte("0")
		for i := range 1000 {
			data = fmt.Appendf(data[:0], "%d", i) // Publish has copied what was there
			if err := c.Publish("a.b", data); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 1000 {
			m := must(sub.Next(task))(t)
			if string(m.Data) != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, m.Data)
			}
		}
		until(t, task, "the callbacks", func() bool { return len(got) == 1000 })
		for i, s := range got {
			if s != fmt.Sprintf("a.b=%d", i) {
				t.Fatalf("callback %d got %s", i, s)
			}
		}
		_, err := called.Next(task)
		wantErr(t, "Next beside a callback", err, corolla.ErrBusy)
		_, err = sub.TryNext()
		wantErr(t, "TryNext", err, corolla.ErrWouldBlock)
	})
}

func TestMessageGoesToOneOfAQueueGroup(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		const n = 300
		var got []int
		var by [3]int
		for i := range by {
			sub := must(c.Subscribe("work", cluster.QueueGroup("workers")))(t)
			sub.OnMessage(func(m *cluster.Msg) {
				by[i]++
				got = append(got, int(m.Data[0])<<8|int(m.Data[1]))
			})
		}
		for i := range n {
			_ = c.Publish("work", []byte{byte(i >> 8), byte(i)})
		}
		until(t, task, "all messages", func() bool { return len(got) >= n })
		slices.Sort(got)
		if len(slices.Compact(got)) != n || by[0]+by[1]+by[2] != n {
			t.Errorf("%v messages to three, %d different ones, of %d", by, len(got), n)
		}
	})
}

func TestTasksShareASubscription(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		sub := must(c.Subscribe("s"))(t)
		const tasks, each = 10, 50
		left := tasks * each
		if err := task.Group(func(g *corolla.Group) error {
			for range tasks {
				g.Go(func(task *corolla.Task) error {
					for {
						if _, err := sub.Next(task); err != nil {
							return err
						}
						if left--; left == 0 {
							sub.Close()
						}
					}
				})
			}
			for range left {
				_ = c.Publish("s", nil)
			}
			return nil
		}); !corolla.IsOnly(err, cluster.ErrClosed) || left != 0 {
			t.Errorf("%v, and %d messages are left", err, left)
		}
	})
}

func TestRequestInEveryStyle(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		must(c.Subscribe("upper"))(t).OnMessage(func(m *cluster.Msg) {
			if err := m.Respond([]byte(strings.ToUpper(string(m.Data)))); err != nil {
				t.Error(err)
			}
		})
		m := must(c.Request("upper", []byte("a task"), patience).Await(task))(t)
		d := deferred.FromFuture(c.Request("upper", []byte("a deferred"), patience))
		s := deferred.Then(d, func(m *cluster.Msg) (string, error) { return string(m.Data) + "!", nil })
		var text string
		c.Request("upper", []byte("a future"), patience).OnDone(func(f *corolla.Future[*cluster.Msg]) {
			m, _ := f.Result()
			text = string(m.Data)
		})
		got := must(s.Await(task))(t)
		until(t, task, "the future", func() bool { return text != "" })
		if string(m.Data) != "A TASK" || got != "A DEFERRED!" || text != "A FUTURE" {
			t.Errorf("%s, %s, %s", m.Data, got, text)
		}
	})
}

func TestRequestThatFails(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		_, err := c.Request("nobody", nil, patience).Await(task)
		wantErr(t, "with nobody there", err, cluster.ErrNoResponders)
		must(c.Subscribe("silent"))(t)
		_, err = c.Request("silent", nil, 1).Await(task)
		wantErr(t, "in no time", err, cluster.ErrTimeout)
		waiting := []*corolla.Future[*cluster.Msg]{c.Request("silent", nil, patience), c.Request("silent", nil, patience)}
		_, err = c.Request("silent", nil, patience).Await(task)
		wantErr(t, "one too many", err, cluster.ErrFull)
		waiting[0].Cancel(nil)
		_, err = waiting[0].Result()
		wantErr(t, "canceled", err, corolla.ErrCanceled)
		c.Close()
		_, err = waiting[1].Await(task)
		wantErr(t, "closed", err, cluster.ErrClosed)
		if n := c.Stats().Requests; n != 0 {
			t.Errorf("%d requests are left", n)
		}
	}, cluster.MaxRequests(2))
}

func TestWhatIsNotPublished(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		for _, s := range []string{"", ".", "a.", ".a", "a..b", "a b", "a\n", "a.*", ">"} {
			wantErr(t, "publish to "+s, c.Publish(s, nil), cluster.ErrSubject)
		}
		for _, s := range []string{"", "a.", "a..b", "a b", ">.a", "a*", "a.>b"} {
			_, err := c.Subscribe(s)
			wantErr(t, "subscribe to "+s, err, cluster.ErrSubject)
		}
		for _, s := range []string{"*", ">", "a.*.b.>"} {
			must(c.Subscribe(s))(t)
		}
		wantErr(t, "2 MiB", c.Publish("a", make([]byte, 2<<20)), cluster.ErrTooLarge)
		sub := must(c.Subscribe("x"))(t)
		_ = c.Publish("x", nil)
		wantErr(t, "an answer to no request", must(sub.Next(task))(t).Respond(nil), cluster.ErrSubject)
		closed(t, task, c)
		wantErr(t, "closed", c.Publish("a", nil), cluster.ErrClosed)
		_, err := c.Subscribe("a")
		wantErr(t, "closed", err, cluster.ErrClosed)
		_, err = c.Flush().Await(task)
		wantErr(t, "closed", err, cluster.ErrClosed)
	})
}

func TestForeignGoroutineIsRefused(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		text := must(corolla.Offload(task.Loop(), func() (text string, err error) {
			defer func() { text = fmt.Sprint(recover()) }()
			return "", c.Publish("a", nil)
		}).Await(task))(t)
		if !strings.Contains(text, "cluster.Conn.Publish called from a goroutine that does not run the loop") {
			t.Errorf("panicked with %q", text)
		}
	})
}

func TestPanicInACallbackLosesNothing(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, errs *[]error) {
		c := embed(t, task)
		n := 0
		must(c.Subscribe("a"))(t).OnMessage(func(m *cluster.Msg) {
			if n++; n%3 == 0 {
				panic("the third")
			}
		})
		for range 9 {
			_ = c.Publish("a", nil)
		}
		until(t, task, "all messages", func() bool { return n == 9 })
		if len(*errs) != 3 || !errors.As((*errs)[0], new(*corolla.PanicError)) {
			t.Errorf("reported: %v", *errs)
		}
		*errs = nil
		closed(t, task, c)
	})
}

func TestSimulatedLoopIsRefused(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(task *corolla.Task) error {
		_, err := cluster.Embed(task.Loop()).Await(task)
		return err
	})
	wantErr(t, "Embed", err, errors.ErrUnsupported)
}

func TestConnectWithNATSsOptions(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		other := must(cluster.Connect(task.Loop(), c.ClientURL(), cluster.Name("other"), cluster.NATS(nats.UserInfo("me", "secret"))).Await(task))(t)
		must(other.Subscribe("a"))(t).OnMessage(func(m *cluster.Msg) { _ = m.Respond(m.Data) })
		must(other.Flush().Await(task))(t)
		if m := must(c.Request("a", []byte("x"), patience).Await(task))(t); string(m.Data) != "x" {
			t.Errorf("answer: %s", m.Data)
		}
		closed(t, task, other)
		_, err := cluster.Connect(task.Loop(), c.ClientURL(), cluster.NATS(nats.UserInfo("me", "wrong"))).Await(task)
		wantErr(t, "a wrong password", err, nats.ErrAuthorization)
	}, cluster.Clients("127.0.0.1:0"), cluster.ServerOptions(func(o *server.Options) {
		o.Users = []*server.User{{Username: "me", Password: "secret"}}
	}), cluster.NATS(nats.UserInfo("me", "secret")))
}
