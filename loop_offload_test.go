package corolla_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// busyWorkers occupies every place of a kind of workers until release is called.
func busyWorkers(w *corolla.Workers) (release func()) {
	gate := make(chan struct{})
	for range w.Stats().Limit {
		corolla.OffloadTo(w, func(context.Context) (int, error) { <-gate; return 0, nil })
	}
	return func() { close(gate) }
}

// Each kind of work has places of its own, and a canceled look-up gives its back.
func TestKindsOfWorkDoNotWaitForEachOther(t *testing.T) {
	l, err := corolla.New(corolla.MaxJobs(1))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		defer busyWorkers(l.Workers(""))()
		w := l.Workers("lookup")
		stuck := corolla.OffloadTo(w, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
		next := corolla.OffloadTo(w, func(context.Context) (int, error) { return 7, nil })
		if s := w.Stats(); s != (corolla.WorkersStats{Limit: 1, Running: 1, Waiting: 1}) {
			t.Errorf("Stats = %+v", s)
		}
		stuck.Cancel(nil)
		if v, err := next.Await(task); v != 7 || err != nil {
			t.Errorf("the next job: %v, %v", v, err)
		}
		if s := w.Stats(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("Stats = %+v when all is done", s)
		}
		addrs, err := l.Resolve("tcp4", "localhost:80").Await(task)
		if err != nil || addrs[0].String() != "127.0.0.1:80" {
			t.Errorf("Resolve = %v, %v", addrs, err)
		}
		return nil
	})
}

func TestCanceledJobLetsGoOfItsClosure(t *testing.T) {
	l, err := corolla.New(corolla.MaxJobs(1))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		defer busyWorkers(l.Workers(""))()
		const n = 5
		freed := make(chan struct{}, n)
		var futures []*corolla.Future[int] // kept: only what they hold is to go
		for range n {
			big := new([1 << 16]byte)
			runtime.AddCleanup(big, func(int) { freed <- struct{}{} }, 0)
			futures = append(futures, corolla.Offload(l, func() (int, error) { return int(big[0]), nil }))
		}
		for _, i := range []int{2, 0, 4, 1} { // the middle, the first, the last, what is first then
			futures[i].Cancel(nil)
		}
		if s := l.Workers("").Stats(); s.Waiting != 1 {
			t.Errorf("%d wait", s.Waiting)
		}
		for got := 0; got < n-1; {
			runtime.GC()
			select {
			case <-freed:
				got++
			default:
				runtime.Gosched()
			}
		}
		runtime.KeepAlive(futures)
		return nil
	})
}

func TestJobsRunInOrderWithinTheLimit(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			w := l.Workers("one by one")
			w.SetLimit(1)
			var order []int // of which one job at a time has the use
			jobs := make([]*corolla.Future[int], 6)
			for i := range jobs {
				jobs[i] = corolla.OffloadTo(w, func(context.Context) (int, error) { order = append(order, i); return i, nil })
			}
			jobs[3].Cancel(nil)
			jobs[5].Cancel(nil)
			for i, f := range jobs {
				if v, err := f.Await(task); i == 3 || i == 5 {
					if !errors.Is(err, corolla.ErrCanceled) {
						t.Errorf("canceled job %d: %v", i, err)
					}
				} else if v != i || err != nil {
					t.Errorf("job %d: %v, %v", i, v, err)
				}
			}
			if !slices.Equal(order, []int{0, 1, 2, 4}) {
				t.Errorf("order %v", order)
			}
			return nil
		})
	})
}

func TestMoreWorkersStartWhatWaits(t *testing.T) {
	l, err := corolla.New(corolla.MaxJobs(1))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		w := l.Workers("a kind")
		defer busyWorkers(w)()
		f := corolla.OffloadTo(w, func(context.Context) (int, error) { return 1, nil })
		w.SetLimit(2)
		if _, err := f.Await(task); err != nil {
			t.Error(err)
		}
		w.SetLimit(0) // at least 1
		if s := w.Stats(); s.Limit != 1 {
			t.Errorf("Limit = %d", s.Limit)
		}
		return nil
	})
}

// A context that is given to a job ends when the loop is closed, so that the goroutine does too.
func TestClosedLoopEndsTheContextsOfJobs(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	ended := make(chan error)
	f := corolla.OffloadTo(l.Workers("a kind"), func(ctx context.Context) (int, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return 0, nil
	})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != context.Canceled {
		t.Errorf("the context ended with %v", err)
	}
	if f.Done() {
		t.Error("the future was settled")
	}
}

func TestJobThatExits(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			l.Workers("").SetLimit(1)
			f := corolla.Offload(l, func() (int, error) { runtime.Goexit(); return 0, nil })
			if _, err := f.Await(task); err != corolla.ErrGoexit {
				t.Errorf("Await = %v", err)
			}
			v, err := corolla.Offload(l, func() (int, error) { return 1, nil }).Await(task)
			if v != 1 || err != nil {
				t.Errorf("the next job: %v, %v", v, err)
			}
			return nil
		})
	})
}

// A job whose future somebody else has settled while it waited is not begun.
func TestJobThatNobodyWaitsForIsNotBegun(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			w := l.Workers("one by one")
			w.SetLimit(1)
			first := corolla.OffloadTo(w, func(context.Context) (int, error) { return 1, nil })
			f := corolla.OffloadTo(w, func(context.Context) (int, error) { t.Error("begun"); return 2, nil })
			last := corolla.OffloadTo(w, func(context.Context) (int, error) { return 3, nil })
			if err := f.Resolve(5); err != nil {
				return err
			}
			for f, want := range map[*corolla.Future[int]]int{first: 1, f: 5, last: 3} {
				if v, err := f.Await(task); v != want || err != nil {
					t.Errorf("%d, %v, want %d", v, err, want)
				}
			}
			return nil
		})
	})
}

// What a job has hung on its context is let go of when the job is done.
func TestContextOfAJobEndsWithIt(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ctx, err := corolla.OffloadTo(l.Workers("a kind"), func(ctx context.Context) (context.Context, error) {
				return ctx, ctx.Err()
			}).Await(task)
			if err != nil || ctx.Err() != context.Canceled {
				t.Errorf("the context of a job that has ended: %v; %v", ctx.Err(), err)
			}
			return nil
		})
	})
}

func TestJobsBehindACanceledOneAreKept(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			w := l.Workers("one by one")
			w.SetLimit(1)
			add := func(i int) *corolla.Future[int] {
				return corolla.OffloadTo(w, func(context.Context) (int, error) { return i, nil })
			}
			jobs := []*corolla.Future[int]{add(0), add(1)}
			add(2).Cancel(nil) // the last that waits
			for i, f := range append(jobs, add(3)) {
				if v, err := f.Await(task); err != nil || v != i && v != 3 {
					t.Errorf("job %d: %d, %v", i, v, err)
				}
			}
			return nil
		})
	})
}

func TestClosedLoopLetsGoOfJobsThatWait(t *testing.T) {
	l, err := corolla.New(corolla.MaxJobs(1))
	leaktest.NeedLoop(t, err)
	release := busyWorkers(l.Workers(""))
	defer release()
	freed := make(chan struct{}, 1)
	big := new([1 << 16]byte)
	runtime.AddCleanup(big, func(int) { freed <- struct{}{} }, 0)
	f := corolla.Offload(l, func() (int, error) { return int(big[0]), nil })
	big = nil
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for gone := false; !gone; {
		runtime.GC()
		select {
		case <-freed:
			gone = true
		default:
			runtime.Gosched()
		}
	}
	runtime.KeepAlive(f)
}

func TestOffload(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			v, err := corolla.Offload(l, func() (int, error) { return 7, nil }).Await(task)
			if v != 7 || err != nil {
				t.Errorf("Await = %d, %v, want 7", v, err)
			}
			_, err = corolla.Offload(l, func() (int, error) { panic("job") }).Await(task)
			var p *corolla.PanicError
			if !errors.As(err, &p) || p.Value != "job" || !strings.Contains(p.Where, thisFile()+":") {
				t.Errorf("a job that panics: %v", err)
			}
			return nil
		})
	})
}

func TestOffloadLimitsHowManyRun(t *testing.T) {
	l, err := corolla.New(corolla.MaxJobs(2))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	var now, most atomic.Int32
	gate := make(chan struct{})
	run(t, l, func(task *corolla.Task) error {
		var futures []*corolla.Future[int]
		for i := range 10 {
			futures = append(futures, corolla.Offload(l, func() (int, error) {
				for n := now.Add(1); ; {
					m := most.Load()
					if n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				<-gate
				now.Add(-1)
				return i, nil
			}))
		}
		close(gate)
		for i, f := range futures {
			if v, err := f.Await(task); v != i || err != nil {
				t.Errorf("job %d: %v, %v", i, v, err)
			}
		}
		return nil
	})
	if most.Load() > 2 {
		t.Errorf("%d jobs ran at once, want at most 2", most.Load())
	}
}
