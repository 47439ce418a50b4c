package corolla_test

import (
	"iter"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

func benchLoop(b *testing.B) *corolla.Loop {
	l, err := corolla.New()
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	b.ReportAllocs()
	return l
}

func benchMain(b *testing.B, main func(t *corolla.Task) error) {
	if err := benchLoop(b).Run(main); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPull is the yardstick: one resume and yield of a bare coroutine.
func BenchmarkPull(b *testing.B) {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		for yield(struct{}{}) {
		}
	})
	defer stop()
	for b.Loop() {
		next()
	}
}

// BenchmarkGoroutine is the other: start a goroutine and wait for its end.
func BenchmarkGoroutine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		done := make(chan struct{})
		go func() { close(done) }()
		<-done
	}
}

func BenchmarkYield(b *testing.B) {
	benchMain(b, func(t *corolla.Task) error {
		for b.Loop() {
			if err := t.Yield(); err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkParkUnpark(b *testing.B) {
	benchMain(b, func(t *corolla.Task) error {
		other := t.Loop().Go(func(o *corolla.Task) error {
			for {
				if err := o.Park("the benchmark"); err != nil {
					return nil
				}
				t.Unpark()
			}
		}).Task()
		if err := t.Yield(); err != nil {
			return err
		}
		for b.Loop() {
			other.Unpark()
			if err := t.Park("the other"); err != nil {
				return err
			}
		}
		other.Cancel(nil)
		return nil
	})
}

func BenchmarkTask(b *testing.B) {
	benchMain(b, func(t *corolla.Task) error {
		for b.Loop() {
			if _, err := t.Loop().Go(func(*corolla.Task) error { return nil }).Await(t); err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkSoon(b *testing.B) {
	l := benchLoop(b)
	left := b.N
	var again func()
	again = func() {
		if left--; left > 0 {
			l.Soon(again)
		} else {
			l.Stop()
		}
	}
	l.Soon(again)
	if err := l.RunForever(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPost is from a goroutine to the loop and back.
func BenchmarkPost(b *testing.B) {
	l := benchLoop(b)
	go func() {
		answer := make(chan struct{})
		reply := func() { answer <- struct{}{} }
		for b.Loop() {
			_ = l.Post(reply)
			<-answer
		}
		l.Stop()
	}()
	if err := l.RunForever(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkAfterStop(b *testing.B) {
	l := benchLoop(b)
	f := func() {}
	for b.Loop() {
		l.After(time.Hour, f).Stop()
	}
}

func BenchmarkSleep(b *testing.B) {
	benchMain(b, func(t *corolla.Task) error {
		for b.Loop() {
			if err := t.Sleep(1); err != nil {
				return err
			}
		}
		return nil
	})
}
