package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// offload runs one of nats.go's calls elsewhere.
func offload(t *testing.T, task *corolla.Task, f func() error) {
	t.Helper()
	must(corolla.Offload(task.Loop(), func() (int, error) { return 0, f() }).Await(task))(t)
}

func deleteStream(t *testing.T, task *corolla.Task, c *cluster.Conn, name string) {
	t.Helper()
	offload(t, task, func() error { return c.JetStream().DeleteStream(task, name) })
}

const soon = 100 * time.Millisecond

// TestPresenceSurvivesItsBucket, of all nodes: one of them makes it again, and each says again who is there.
func TestPresenceSurvivesItsBucket(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		a := embed(t, task, cluster.Store(t.TempDir()), cluster.Clients("127.0.0.1:0"), cluster.Resync(soon))
		b := must(cluster.Connect(task.Loop(), a.ClientURL(), cluster.Name("b"), cluster.Resync(soon)).Await(task))(t)
		pa := must(a.Presence("P", cluster.MinTTL).Await(task))(t)
		pb := must(b.Presence("P", cluster.MinTTL).Await(task))(t)
		must(0, pa.Enter("ann", nil))(t)
		must(0, pb.Enter("bob", nil))(t)
		both := func() bool { return len(pa.Members()) == 2 && len(pb.Members()) == 2 }
		until(t, task, "both", both)
		left := map[string]bool{}
		pa.OnChange(func(m cluster.Member, here bool) { left[m.Key] = !here })
		deleteStream(t, task, a, "KV_P")
		until(t, task, "both to go, and come again", func() bool { return len(left) == 2 && both() })
		must(0, pb.Enter("eve", nil))(t)
		until(t, task, "eve", func() bool { return len(pa.Members()) == 3 })
		closed(t, task, b)
		closed(t, task, a)
	})
}

// TestStateOfAnotherBucket of the same name has what is in that one, whose revisions begin anew.
func TestStateOfAnotherBucket(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		cfg := jetstream.KeyValueConfig{Bucket: "B"}
		s := must(c.State(cfg).Await(task))(t)
		for i := range 5 {
			must(s.Put("a", fmt.Append(nil, i)).Await(task))(t)
		}
		must(s.Put("b", nil).Await(task))(t)
		until(t, task, "what was put", func() bool { _, ok := s.Get("b"); return ok })
		deleteStream(t, task, c, "KV_B")
		other := must(c.State(cfg).Await(task))(t)
		must(other.Put("a", []byte("anew")).Await(task))(t)
		until(t, task, "what is in the other bucket", func() bool {
			a, _ := s.Get("a")
			_, ok := s.Get("b")
			return string(a.Value) == "anew" && a.Revision == 1 && !ok
		})
	}, cluster.Store(t.TempDir()), cluster.Resync(soon))
}

// TestStateEndsWithItsBucket, and says so.
func TestStateEndsWithItsBucket(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, errs *[]error) {
		c := embed(t, task, cluster.Store(t.TempDir()), cluster.Resync(soon), cluster.Settled(soon))
		s := must(c.State(jetstream.KeyValueConfig{Bucket: "B"}).Await(task))(t)
		deleteStream(t, task, c, "KV_B")
		wantErr(t, "WaitChange", s.WaitChange(task), jetstream.ErrStreamNotFound)
		if len(*errs) != 1 || !errors.Is((*errs)[0], jetstream.ErrStreamNotFound) {
			t.Errorf("reported: %v", *errs)
		}
		*errs = nil
		closed(t, task, c)
	})
}

// TestAnswerOfSomebodyElse to what is published to a stream is not taken for its acknowledgement.
func TestAnswerOfSomebodyElse(t *testing.T) {
	answers := []string{"{}", "what?", `{"stream":"S"}`, `{"stream":"S","seq":1}`}
	faked(t, map[string][]string{updateStream: {aStream}}, map[string]int{}, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		asked := 0
		must(c.Subscribe("s.a"))(t).OnMessage(func(m *cluster.Msg) {
			must(0, m.Respond([]byte(answers[min(asked, 3)])))(t)
			asked++
		})
		if ack := publish(t, task, makeStream(t, task, c), "s.a", ""); ack.Seq != 1 || asked < 4 {
			t.Errorf("%+v after %d answers", ack, asked)
		}
	})
}

// TestHeadersCount for how large a message may be.
func TestHeadersCount(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		data := make([]byte, 1<<20)
		must(0, c.Publish("a", data))(t)
		h := nats.Header{"K": {"v"}}
		wantErr(t, "with a header", c.PublishMsg(&cluster.Msg{Subject: "a", Header: h, Data: data}), cluster.ErrTooLarge)
		_, err := s.Publish("s.a", data).Await(task) // which has an ID
		wantErr(t, "to a stream", err, cluster.ErrTooLarge)
		m := &cluster.Msg{Subject: "a", Header: h, Data: data[:1<<20-len("NATS/1.0\r\nK: v\r\n\r\n")]}
		sub := must(c.Subscribe("a"))(t)
		cluster.HoldWriter(c, func() {
			must(0, c.PublishMsg(m))(t)
			h["K"][0] = "changed"
		})
		if m := must(sub.Next(task))(t); m.Header.Get("K") != "v" {
			t.Errorf("header %v", m.Header)
		}
	})
}

// TestQueueGroupGoesOn when one of it is gone: the others get what is published from then on.
func TestQueueGroupGoesOn(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		a := embed(t, task, cluster.Clients("127.0.0.1:0"))
		var got []string
		var members []*cluster.Conn
		for range 3 {
			c := must(cluster.Connect(task.Loop(), a.ClientURL()).Await(task))(t)
			must(c.Subscribe("work", cluster.QueueGroup("g")))(t).OnMessage(func(m *cluster.Msg) { got = append(got, string(m.Data)) })
			must(c.Flush().Await(task))(t)
			members = append(members, c)
		}
		closed(t, task, members[1])
		until(t, task, "the server to see it", func() bool { return cluster.Server(a).NumClients() == 3 }) // with a itself
		var want []string
		for i := range 200 {
			must(0, a.Publish("work", fmt.Appendf(nil, "%03d", i)))(t)
			want = append(want, fmt.Sprintf("%03d", i))
		}
		until(t, task, "all messages", func() bool { return len(got) >= len(want) })
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		for _, c := range []*cluster.Conn{members[0], members[2], a} {
			closed(t, task, c)
		}
	})
}

// TestStreamDeletedUnderAPublisher fails what is published when its patience is over, unless there is one again.
func TestStreamDeletedUnderAPublisher(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		deleteStream(t, task, c, "S")
		_, err := s.Publish("s.a", nil, cluster.Patience(soon)).Await(task)
		wantErr(t, "Publish", err, cluster.ErrTimeout)
		wantErr(t, "Publish", err, cluster.ErrNoResponders)
		f := s.Publish("s.a", []byte("x"))
		makeStream(t, task, c)
		must(f.Await(task))(t)
	})
}

// TestConsumerDeletedUnderAReader is made again, and loses nothing: what was acknowledged comes again, too.
func TestConsumerDeletedUnderAReader(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		publish(t, task, s, "s.a", "1")
		r := s.Consume("c", jetstream.ConsumerConfig{})
		must(next(t, task, r, "1").AckSure(patience).Await(task))(t)
		offload(t, task, func() error { return c.JetStream().DeleteConsumer(task, "S", "c") })
		publish(t, task, s, "s.a", "2")
		next(t, task, r, "1")
		next(t, task, r, "2")
	})
}
