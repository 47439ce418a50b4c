package cluster_test

import (
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go"
)

// BenchmarkArrive is what a message that arrives costs the loop, in callbacks and in a task, with what has come
// before already waiting for the loop, or with a wake for each; and BenchmarkPublish what one that leaves does. Neither counts what other
// goroutines do.
func BenchmarkArrive(b *testing.B) {
	data := make([]byte, 64)
	b.Run("callback", func(b *testing.B) {
		benchInlet(b, func(in *cluster.Inlet, n int, task *corolla.Task) error {
			got := 0
			in.OnMessage(func(*cluster.Msg) { got++ })
			for got < n {
				if err := task.Yield(); err != nil {
					return err
				}
			}
			in.OnMessage(nil)
			return nil
		}, data)
	})
	b.Run("callback, a wake each", func(b *testing.B) {
		run(b, func(task *corolla.Task) error {
			in, m, got := cluster.NewInlet(task.Loop()), &cluster.Msg{Subject: "a", Data: data}, 0
			in.OnMessage(func(*cluster.Msg) { got++ })
			b.ReportAllocs()
			for n := range b.N {
				for in.Put(m); got <= n; {
					if err := task.Yield(); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	b.Run("task", func(b *testing.B) {
		benchInlet(b, func(in *cluster.Inlet, n int, task *corolla.Task) error {
			for range n {
				if _, err := in.Next(task); err != nil {
					return err
				}
			}
			return nil
		}, data)
	})
}

func benchInlet(b *testing.B, receive func(in *cluster.Inlet, n int, task *corolla.Task) error, data []byte) {
	run(b, func(task *corolla.Task) error {
		in := cluster.NewInlet(task.Loop())
		m := &cluster.Msg{Subject: "a", Data: data}
		b.ReportAllocs()
		for left := b.N; left > 0; {
			n := min(left, cluster.InletMessages)
			b.StopTimer()
			for range n {
				in.Put(m)
			}
			b.StartTimer()
			if err := receive(in, n, task); err != nil {
				return err
			}
			left -= n
		}
		return nil
	})
}

func BenchmarkPublish(b *testing.B) {
	run(b, func(task *corolla.Task) error {
		c, err := cluster.Embed(task.Loop()).Await(task)
		if err != nil {
			return err
		}
		data := make([]byte, 64)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			for c.Publish("a", data) != nil {
				b.StopTimer()
				if _, err := c.Flush().Await(task); err != nil {
					return err
				}
				b.StartTimer()
			}
		}
		b.StopTimer()
		_, err = c.Close().Await(task)
		return err
	})
}

// BenchmarkThrough is a message all the way through an embedded server, from the loop and back to it.
func BenchmarkThrough(b *testing.B) {
	run(b, func(task *corolla.Task) error {
		c, err := cluster.Embed(task.Loop(), cluster.NATS(nats.NoEcho())).Await(task)
		if err != nil {
			return err
		}
		other, err := cluster.Connect(task.Loop(), "", cluster.NATS(nats.InProcessServer(cluster.Server(c)))).Await(task)
		if err != nil {
			return err
		}
		sub, err := other.Subscribe("a")
		if err != nil {
			return err
		}
		if _, err := other.Flush().Await(task); err != nil {
			return err
		}
		got := 0
		sub.OnMessage(func(*cluster.Msg) { got++ })
		data := make([]byte, 64)
		b.ResetTimer()
		for sent := 0; got < b.N; {
			for ; sent < b.N && sent-got < 4096; sent++ {
				if err := c.Publish("a", data); err != nil {
					break
				}
			}
			if err := task.Yield(); err != nil {
				return err
			}
		}
		b.StopTimer()
		for _, c := range []*cluster.Conn{other, c} {
			if _, err := c.Close().Await(task); err != nil {
				return err
			}
		}
		return nil
	})
}

func run(b *testing.B, main func(task *corolla.Task) error) {
	b.Helper()
	l, err := corolla.New(corolla.SlowLimit(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Run(main); err != nil {
		b.Error(err)
	}
	if err := l.Close(); err != nil {
		b.Error(err)
	}
}
