package shard_test

import (
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/shard"
)

// on runs a benchmark in the body of the first of two shards.
func on(b *testing.B, body func(s *shard.Shard) error, opts ...shard.Option) {
	b.Helper()
	b.ReportAllocs()
	l, err := corolla.New()
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		b.Skip("no loops on this system: ", err)
	}
	if err := shard.Run(2, func(s *shard.Shard) error {
		if s.Index() != 0 {
			return nil
		}
		return body(s)
	}, append(opts, shard.LoopOptions(func(int) []corolla.Option { return []corolla.Option{corolla.SlowLimit(0)} }))...); err != nil {
		b.Fatal(err)
	}
}

// There and back: what Post does, what a message does, and what a call does.

func postAndBack(s *shard.Shard, other *corolla.Loop) func(n int) error {
	task, l, left := s.Task(), s.Loop(), 0
	var there, back func()
	there = func() { _ = l.Post(back) }
	back = func() {
		if left--; left > 0 {
			_ = other.Post(there)
		} else {
			task.Unpark()
		}
	}
	return func(n int) error {
		left = n
		if err := other.Post(there); err != nil {
			return err
		}
		return task.Park("the last")
	}
}

func sendAndBack(s *shard.Shard) func(n int) error {
	task, left := s.Task(), 0
	var there, back func(*shard.Shard)
	there = func(o *shard.Shard) { _ = o.Send(0, back) }
	back = func(o *shard.Shard) {
		if left--; left > 0 {
			_ = o.Send(1, there)
		} else {
			task.Unpark()
		}
	}
	return func(n int) error {
		left = n
		if err := s.Send(1, there); err != nil {
			return err
		}
		return task.Park("the last")
	}
}

func callAndBack(s *shard.Shard) func(n int) error {
	answer := func(*shard.Shard) error { return nil }
	return func(n int) error {
		for range n {
			if err := s.Call(s.Task(), 1, answer); err != nil {
				return err
			}
		}
		return nil
	}
}

// otherLoop returns the second shard's loop.
func otherLoop(s *shard.Shard) (l *corolla.Loop, err error) {
	err = s.Call(s.Task(), 1, func(o *shard.Shard) error { l = o.Loop(); return nil })
	return l, err
}

func BenchmarkPostAndBack(b *testing.B) {
	on(b, func(s *shard.Shard) error {
		other, err := otherLoop(s)
		if err != nil {
			return err
		}
		b.ResetTimer()
		return postAndBack(s, other)(b.N)
	})
}

func BenchmarkSendAndBack(b *testing.B) {
	on(b, func(s *shard.Shard) error { return sendAndBack(s)(b.N) })
}

// BenchmarkSendAndBackPinned shows what it costs to wake a thread.
func BenchmarkSendAndBackPinned(b *testing.B) {
	on(b, func(s *shard.Shard) error { return sendAndBack(s)(b.N) }, shard.Pin())
}

func BenchmarkCallAndBack(b *testing.B) {
	on(b, func(s *shard.Shard) error { return callAndBack(s)(b.N) })
}

// BenchmarkRatios does all three in turns, a short while each, so that what else the machine does hits them
// alike, and reports the best of each, and how they compare with Post.
func BenchmarkRatios(b *testing.B) {
	on(b, func(s *shard.Shard) error {
		other, err := otherLoop(s)
		if err != nil {
			return err
		}
		const n = 1000
		ways := []func(int) error{postAndBack(s, other), sendAndBack(s), callAndBack(s)}
		best := []time.Duration{time.Hour, time.Hour, time.Hour}
		b.ResetTimer()
		for range b.N {
			for i, way := range ways {
				begin := time.Now()
				if err := way(n); err != nil {
					return err
				}
				best[i] = min(best[i], time.Since(begin))
			}
		}
		b.ReportMetric(float64(best[0])/n, "ns/post")
		b.ReportMetric(float64(best[1])/n, "ns/send")
		b.ReportMetric(float64(best[2])/n, "ns/call")
		b.ReportMetric(float64(best[1])/float64(best[0]), "send/post")
		b.ReportMetric(float64(best[2])/float64(best[0]), "call/post")
		return nil
	})
}

// BenchmarkSend sends one way, a thousand messages in a turn, as fast as the other shard runs them.
func BenchmarkSend(b *testing.B) {
	on(b, func(s *shard.Shard) error {
		ran := 0
		f := func(*shard.Shard) { ran++ }
		for left := b.N; left > 0; {
			n := 0
			for ; n < min(left, 1000) && s.Send(1, f) == nil; n++ {
			}
			if left -= n; left == 0 {
				break
			}
			if n == 0 {
				if err := s.Put(s.Task(), 1, f); err != nil {
					return err
				}
				left--
			} else if err := s.Task().Yield(); err != nil {
				return err
			}
		}
		if err := s.Call(s.Task(), 1, func(*shard.Shard) error { return nil }); err != nil {
			return err
		}
		if ran != b.N {
			b.Errorf("%d of %d messages ran", ran, b.N)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
		return nil
	})
}
