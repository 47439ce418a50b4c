package corolla_test

import (
	"iter"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func benchLoop(b *testing.B) *corolla.Loop {
	l, err := corolla.New()
	leaktest.NeedLoop(b, err)
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

// BenchmarkPullOf100 is BenchmarkPull among a hundred, whose stacks do not all fit into the
// processor's nearest cache.
func BenchmarkPullOf100(b *testing.B) {
	var resume [100]func() (struct{}, bool)
	for i := range resume {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			for yield(struct{}{}) {
			}
		})
		defer stop()
		resume[i] = next
	}
	n := 0
	for b.Loop() {
		resume[n%len(resume)]()
		n++
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

// The handovers below are between two tasks: what one iteration costs is one task giving
// something to the other, which then runs.

func handover(b *testing.B, give, take func(t *corolla.Task) error) {
	benchMain(b, func(t *corolla.Task) error {
		taker := t.Loop().Go(func(t *corolla.Task) error {
			for {
				if err := take(t); err != nil {
					return nil
				}
			}
		})
		if err := t.Yield(); err != nil {
			return err
		}
		for b.Loop() {
			if err := give(t); err != nil {
				return err
			}
		}
		taker.Cancel(nil)
		return nil
	})
}

func BenchmarkQueueHandover(b *testing.B) {
	q := corolla.NewQueue[int](1)
	handover(b, func(t *corolla.Task) error { return q.Put(t, 1) },
		func(t *corolla.Task) error { _, err := q.Get(t); return err })
}

func BenchmarkLockHandover(b *testing.B) {
	var l corolla.Lock
	turn := func(t *corolla.Task) error {
		if err := l.Lock(t); err != nil {
			return err
		}
		defer l.Unlock()
		return t.Yield() // so that the other is in line when it is unlocked
	}
	handover(b, turn, turn)
}

func BenchmarkEventHandover(b *testing.B) {
	var ping, pong corolla.Event
	handover(b, func(t *corolla.Task) error {
		ping.Set()
		err := pong.Wait(t)
		pong.Clear()
		return err
	}, func(t *corolla.Task) error {
		err := ping.Wait(t)
		ping.Clear()
		pong.Set()
		return err
	})
}

// BenchmarkYieldOf100 is Yield among a hundred tasks, so that the price of a turn of the
// loop is shared.
func BenchmarkYieldOf100(b *testing.B) {
	benchMain(b, func(t *corolla.Task) error {
		stop := false
		for range 99 {
			t.Loop().Go(func(t *corolla.Task) error {
				for !stop {
					if err := t.Yield(); err != nil {
						return err
					}
				}
				return nil
			})
		}
		n := 0
		for b.Loop() {
			if n++; n%100 == 0 { // one of our yields is one of each
				if err := t.Yield(); err != nil {
					return err
				}
			}
		}
		stop = true
		return nil
	})
}

// BenchmarkTwoChannels is the yardstick for Post and back.
func BenchmarkTwoChannels(b *testing.B) {
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		for range there {
			back <- struct{}{}
		}
	}()
	for b.Loop() {
		there <- struct{}{}
		<-back
	}
	close(there)
}

// BenchmarkParkedTask reports the memory of a task that waits, and of its coroutine.
func BenchmarkParkedTask(b *testing.B) {
	const n = 100_000
	benchMain(b, func(t *corolla.Task) error {
		for b.Loop() {
			var gate corolla.Event
			before := memory()
			for range n {
				t.Loop().Go(gate.Wait)
			}
			if err := t.Yield(); err != nil {
				return err
			}
			b.ReportMetric(float64(memory()-before)/n, "B/task")
			gate.Set()
			if err := t.Yield(); err != nil {
				return err
			}
		}
		return nil
	})
}

// memory returns what is in use by the heap and by stacks.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// BenchmarkMillionTasks has a million tasks live at once, twice, and reports the memory in
// MB: before, with them, and after each time. What Go's runtime keeps of a goroutine that
// has ended, some 400 bytes of which it never gives back, is in it.
func BenchmarkMillionTasks(b *testing.B) {
	const n, mb = 1_000_000, 1e6
	report := func(name string) {
		debug.FreeOSMemory()
		b.ReportMetric(float64(memory())/mb, name)
	}
	for b.Loop() {
		l, err := corolla.New(corolla.SlowLimit(0))
		leaktest.NeedLoop(b, err)
		if err := l.Run(func(t *corolla.Task) error {
			report("before-MB")
			for _, after := range []string{"after1-MB", "after2-MB"} {
				var gate corolla.Event
				for range n {
					t.Loop().Go(gate.Wait)
				}
				if err := t.Yield(); err != nil {
					return err
				}
				report("live-MB")
				gate.Set()
				if err := turns(t, 2); err != nil {
					return err
				}
				if left := len(l.Tasks()); left != 1 {
					b.Errorf("%d tasks are left", left-1)
				}
				report(after)
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		_ = l.Close()
	}
}

// BenchmarkCheck is what every method of a loop pays to know who calls.
func BenchmarkCheck(b *testing.B) {
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(b, err)
	defer l.Close()
	if err := l.Run(func(*corolla.Task) error {
		for range b.N {
			l.Check("a benchmark")
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}
