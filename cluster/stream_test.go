package cluster_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stored runs test with a Conn with its own server that has a store, and a stream of all subjects s.> in it.
func stored(t *testing.T, test func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream), opts ...cluster.Option) {
	t.Helper()
	opts = append(opts, cluster.Store(t.TempDir()), cluster.ServerOptions(quickly))
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		test(t, task, c, makeStream(t, task, c))
	}, opts...)
}

// quickly keeps the server from waiting for the disk.
func quickly(o *server.Options) { o.SyncInterval = time.Hour }

var streamConfig = jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}

func makeStream(t *testing.T, task *corolla.Task, c *cluster.Conn) *cluster.Stream {
	t.Helper()
	return must(c.Stream(streamConfig).Await(task))(t)
}

func publish(t *testing.T, task *corolla.Task, s *cluster.Stream, subject, text string, opts ...cluster.PublishOption) cluster.Ack {
	t.Helper()
	return must(s.Publish(subject, []byte(text), opts...).Await(task))(t)
}

func next(t *testing.T, task *corolla.Task, r *cluster.Reader, want string) *cluster.Delivery {
	t.Helper()
	d := must(r.Next(task))(t)
	if string(d.Data) != want {
		t.Fatalf("message %d is %q; want %q", d.Seq, d.Data, want)
	}
	return d
}

func TestStreamKeepsOrderAndIDs(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		var acks []*corolla.Future[cluster.Ack]
		for i := range 100 {
			acks = append(acks, s.Publish("s.a", fmt.Append(nil, i), cluster.ID(fmt.Sprint(i%50))))
		}
		for i, f := range acks {
			ack := must(f.Await(task))(t)
			if ack.Seq != uint64(i%50+1) || ack.Duplicate != (i >= 50) || ack.Stream != "S" {
				t.Errorf("message %d: %+v", i, ack)
			}
		}
		r := s.Follow(0)
		for i := range 50 {
			if d := next(t, task, r, fmt.Sprint(i)); d.Seq != uint64(i+1) || d.Delivered != 1 || d.Subject != "s.a" {
				t.Errorf("%+v", d)
			}
		}
		r.Close()
		_, err := r.Next(task)
		wantErr(t, "Next", err, cluster.ErrClosed)
		if n := must(s.LastSeq().Await(task))(t); n != 50 {
			t.Errorf("LastSeq = %d", n)
		}
	})
}

func TestFollowFromThePlaceOfTheLast(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		publish(t, task, s, "s.a", "1")
		publish(t, task, s, "s.b", "2")
		publish(t, task, s, "s.a", "3", cluster.Header(nats.Header{"K": {"v"}}))
		r := s.Follow(1, "s.a")
		if d := next(t, task, r, "3"); d.Header.Get("K") != "v" || d.Behind != 0 {
			t.Errorf("%+v", d)
		}
		publish(t, task, s, "s.a", "4")
		next(t, task, r, "4")
		r.Drain()
		_, err := r.Next(task)
		wantErr(t, "Next", err, cluster.ErrClosed)
	})
}

// TestConsumerComesBack to what was not acknowledged, with another Reader of the same name.
func TestConsumerComesBack(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		for _, text := range []string{"1", "2", "3"} {
			publish(t, task, s, "s.a", text)
		}
		cfg := jetstream.ConsumerConfig{AckWait: 200 * time.Millisecond}
		r := s.Consume("c", cfg)
		must(next(t, task, r, "1").AckSure(patience).Await(task))(t)
		next(t, task, r, "2") // and is not acknowledged
		must(next(t, task, r, "3").AckSure(patience).Await(task))(t)
		r.Close()
		r = s.Consume("c", cfg)
		d := next(t, task, r, "2")
		if d.Delivered < 2 {
			t.Errorf("delivered %d times", d.Delivered)
		}
		must(0, d.Nak())(t)
		d = next(t, task, r, "2")
		must(0, d.Term())(t)
		publish(t, task, s, "s.a", "4")
		must(0, next(t, task, r, "4").Ack())(t)
		must(c.Flush().Await(task))(t)
	})
}

// TestReadersShareAConsumer, and all messages are acknowledged once.
func TestReadersShareAConsumer(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		const n = 500
		got := map[uint64]int{}
		for range 3 {
			s.Consume("c", jetstream.ConsumerConfig{}).OnMessage(func(d *cluster.Delivery) {
				got[d.Seq]++
				must(0, d.Ack())(t)
			})
		}
		for i := range n {
			s.Publish(fmt.Sprintf("s.%d", i%20), nil)
		}
		until(t, task, "all messages", func() bool { return len(got) == n })
		for seq, times := range got {
			if times != 1 {
				t.Errorf("message %d came %d times", seq, times)
			}
		}
	})
}

// TestSlowReaderIsNotSentMore than there is room for, and loses nothing.
func TestSlowReaderIsNotSentMore(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		const n = 5000
		for i := range n {
			s.Publish(fmt.Sprintf("s.%d", i%100), nil)
		}
		until(t, task, "acknowledgements", func() bool { return c.Stats().Unstored == 0 })
		r := s.Follow(0)
		until(t, task, "a full inlet", func() bool { return cluster.ReaderAtLoop(r) == cluster.InletMessages })
		for i := range n {
			if d := must(r.Next(task))(t); d.Seq != uint64(i+1) {
				t.Fatalf("message %d has place %d", i, d.Seq)
			}
		}
	})
}

func TestStreamThatFails(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		_, err := s.Publish("other", nil, cluster.Patience(100*time.Millisecond)).Await(task)
		wantErr(t, "a subject of no stream", err, cluster.ErrNoResponders)
		_, err = s.Publish("*", nil).Await(task)
		wantErr(t, "no subject", err, cluster.ErrSubject)
		_, err = s.Publish("s.a", make([]byte, 2<<20)).Await(task)
		wantErr(t, "2 MiB", err, cluster.ErrTooLarge)
		_, err = c.Stream(jetstream.StreamConfig{Name: "a.b"}).Await(task)
		wantErr(t, "no name", err, jetstream.ErrInvalidStreamName)
		f := s.Publish("s.a", nil)
		f.Cancel(nil)
		_, err = f.Await(task)
		wantErr(t, "canceled", err, corolla.ErrCanceled)
		closed(t, task, c)
		_, err = s.Publish("s.a", nil).Await(task)
		wantErr(t, "closed", err, cluster.ErrClosed)
		_, err = s.Follow(0).Next(task)
		wantErr(t, "closed", err, cluster.ErrClosed)
		if n := c.Stats().Unstored; n != 0 {
			t.Errorf("%d publications are left", n)
		}
	})
}

// TestReaderOfADeletedStream hears of it.
func TestReaderOfADeletedStream(t *testing.T) {
	stored(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn, s *cluster.Stream) {
		publish(t, task, s, "s.a", "1")
		r := s.Consume("c", jetstream.ConsumerConfig{})
		next(t, task, r, "1")
		must(corolla.Offload(task.Loop(), func() (int, error) { return 0, c.JetStream().DeleteStream(task, "S") }).Await(task))(t)
		_, err := r.Next(task)
		wantErr(t, "Next", err, jetstream.ErrStreamNotFound)
		var why error
		r.OnEnd(func(err error) { why = err })
		must(0, task.Yield())(t)
		wantErr(t, "OnEnd", why, jetstream.ErrStreamNotFound)
	}, cluster.Settled(soon))
}

// TestWithoutAStore there are no streams, and nobody waits for them for ever.
func TestWithoutAStore(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		_, err := c.Stream(jetstream.StreamConfig{Name: "S"}).Await(task)
		wantErr(t, "Stream", err, cluster.ErrNoJetStream)
	})
}

// TestStoreIsThereAgain after the node has been closed, and its consumer goes on where it was.
func TestStoreIsThereAgain(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		store := t.TempDir()
		c := embed(t, task, cluster.Store(store))
		s := makeStream(t, task, c)
		publish(t, task, s, "s.a", "1", cluster.ID("one"))
		publish(t, task, s, "s.a", "2")
		r := s.Consume("c", jetstream.ConsumerConfig{})
		must(next(t, task, r, "1").AckSure(patience).Await(task))(t)
		r.Close()
		must(c.Drain(patience).Await(task))(t)

		c = embed(t, task, cluster.Store(store))
		s = makeStream(t, task, c)
		if ack := publish(t, task, s, "s.a", "1", cluster.ID("one")); !ack.Duplicate {
			t.Errorf("%+v", ack)
		}
		r = s.Consume("c", jetstream.ConsumerConfig{AckWait: 100 * time.Millisecond})
		must(0, next(t, task, r, "2").Ack())(t)
		must(c.Drain(patience).Await(task))(t)
		if _, err := r.Next(task); !errors.Is(err, cluster.ErrClosed) {
			t.Errorf("Next: %v", err)
		}
	})
}
