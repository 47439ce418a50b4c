package cluster_test

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// BenchmarkLoopTime is the processor time that the loop's thread takes for a message that came through a server, from
// a publisher on other goroutines: loop-ns/msg. Everything is in it that the loop does: being woken, waiting for what
// has come, callbacks and switches to tasks. With pauses each message wakes the loop by itself.
func BenchmarkLoopTime(b *testing.B) {
	for _, pause := range []time.Duration{0, 200 * time.Microsecond} {
		for _, how := range []string{"callback", "task", "reader callback", "reader task"} {
			name := how
			if pause > 0 {
				name += ", with pauses"
			}
			b.Run(name, func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				run(b, func(task *corolla.Task) error { return loopTime(b, task, how, pause) })
			})
		}
	}
}

func loopTime(b *testing.B, task *corolla.Task, how string, pause time.Duration) error {
	c, err := cluster.Embed(task.Loop(), cluster.Store(b.TempDir())).Await(task)
	if err != nil {
		return err
	}
	got, one, err := receiver(task, c, how)
	if err != nil {
		return err
	}
	if _, err := c.Flush().Await(task); err != nil {
		return err
	}
	publishing := corolla.Offload(task.Loop(), func() (int, error) { return 0, publishFromOutside(c, b.N, pause, strings.HasPrefix(how, "reader")) })
	b.ResetTimer()
	before := threadTime()
	for *got < b.N {
		if err := one(task); err != nil {
			return err
		}
	}
	b.ReportMetric(float64(threadTime()-before)/float64(b.N), "loop-ns/msg")
	b.StopTimer()
	if _, err := publishing.Await(task); err != nil {
		return err
	}
	_, err = c.Close().Await(task)
	return err
}

// receiver subscribes, and returns how many messages came, and what waits for one, or for the next look.
func receiver(task *corolla.Task, c *cluster.Conn, how string) (got *int, one func(*corolla.Task) error, err error) {
	got = new(int)
	look := func(task *corolla.Task) error { return task.Sleep(50 * time.Millisecond) }
	switch how {
	case "callback", "task":
		sub, err := c.Subscribe("b", cluster.Pending(1<<30, 1<<40))
		if err != nil {
			return nil, nil, err
		}
		if how == "callback" {
			sub.OnMessage(func(*cluster.Msg) { *got++ })
			return got, look, nil
		}
		return got, func(task *corolla.Task) error { *got++; _, err := sub.Next(task); return err }, nil
	}
	s, err := c.Stream(jetstream.StreamConfig{Name: "B", Subjects: []string{"b"}, Storage: jetstream.MemoryStorage}).Await(task)
	if err != nil {
		return nil, nil, err
	}
	r := s.Follow(0)
	if how == "reader callback" {
		r.OnMessage(func(*cluster.Delivery) { *got++ })
		return got, look, nil
	}
	return got, func(task *corolla.Task) error { *got++; _, err := r.Next(task); return err }, nil
}

// publishFromOutside waits now and then for an acknowledgement, if there will be one: a stream drops what it has no room
// for yet.
func publishFromOutside(c *cluster.Conn, n int, pause time.Duration, acknowledged bool) error {
	nc, err := nats.Connect("", nats.InProcessServer(cluster.Server(c)))
	if err != nil {
		return err
	}
	defer nc.Close()
	data := make([]byte, 64)
	for i := range n {
		var err error
		if acknowledged && i%500 == 499 {
			_, err = nc.Request("b", data, time.Minute)
		} else {
			err = nc.Publish("b", data)
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		if pause > 0 {
			time.Sleep(pause)
		}
	}
	return nc.Flush()
}

// threadTime is the processor time that this thread has taken.
func threadTime() time.Duration {
	const thisThread = 1 // RUSAGE_THREAD (getrusage(2))
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
