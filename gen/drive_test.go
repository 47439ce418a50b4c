package gen_test

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

type co = gen.Yield[gen.Wait, struct{}]

// onLoops runs a test on a real loop and on a simulated one.
func onLoops(t *testing.T, test func(t *testing.T, task *corolla.Task)) {
	t.Helper()
	for name, open := range map[string]func() (*corolla.Loop, error){
		"real": func() (*corolla.Loop, error) { return corolla.New(corolla.SlowLimit(0)) },
		"sim":  func() (*corolla.Loop, error) { return sim.New(1).NewLoop(), nil },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := open()
			leaktest.NeedLoop(t, err)
			if err := l.Run(func(task *corolla.Task) error { test(t, task); return nil }); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
		})
	}
}

// nap sleeps, as a part that others can delegate to.
func nap(d time.Duration) *gen.Generator[gen.Wait, struct{}, string] {
	return gen.New(func(y *co) (string, error) {
		_, err := y.Yield(gen.Sleep(d))
		return "rested", err
	})
}

func TestDelegationOnTheLoop(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		f := gen.Go(l, func(y *co) (string, error) {
			begin := l.Now()
			s, err := gen.From(y, nap(2*time.Millisecond))
			if err != nil || l.Now()-begin < 2*time.Millisecond {
				t.Errorf("slept for %v, %v", l.Now()-begin, err)
			}
			answer := corolla.NewFuture[int](l)
			l.After(time.Millisecond, func() { _ = answer.Resolve(42) })
			if _, err := y.Yield(gen.Done(answer)); err != nil {
				return "", err
			}
			if v, err := answer.Result(); v != 42 || err != nil {
				t.Errorf("the future has %v, %v", v, err)
			}
			_, err = y.Yield(gen.Turn())
			return s, err
		})
		if s, err := f.Await(task); s != "rested" || err != nil {
			t.Errorf("Await = %q, %v", s, err)
		}
	})
}

func TestCancelClosesTheGenerator(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		for name, wait := range map[string]gen.Wait{
			"sleep": gen.Sleep(time.Hour), "done": gen.Done(corolla.NewFuture[int](l)), "turn": gen.Turn(),
		} {
			cleaned := false
			f := gen.Go(l, func(y *co) (int, error) {
				for {
					if _, err := y.Yield(wait); err != nil {
						cleaned = err == gen.ErrExit
						return 0, err
					}
				}
			})
			for range 3 {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || !cleaned {
				t.Errorf("%s: Await = %v, cleaned up: %v", name, err, cleaned)
			}
		}
		var self *corolla.Future[int]
		self = gen.Go(l, func(y *co) (int, error) {
			self.Cancel(nil)
			_, err := y.Yield(gen.Sleep(time.Hour))
			return 0, err
		})
		if _, err := self.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("one that cancels itself: %v", err)
		}
	})
}

func TestLoopClosesItsGenerators(t *testing.T) {
	l := sim.New(1).NewLoop()
	var told [2]int
	for i, ignores := range []int{0, 5} {
		gen.Go(l, func(y *co) (int, error) {
			for {
				if _, err := y.Yield(gen.Sleep(time.Hour)); err != nil {
					if told[i]++; err != gen.ErrExit || told[i] > ignores {
						return 0, err
					}
				}
			}
		})
	}
	l.After(time.Second, l.Stop)
	if err := l.RunForever(); err != nil {
		t.Fatal(err)
	}
	closeLoop(t, l)
	if told != [2]int{1, 6} {
		t.Errorf("they were told %d times to end", told)
	}
}

// onNewLoops runs a test with a loop of each host that does not run yet, and with what its error
// handler has got.
func onNewLoops(t *testing.T, test func(t *testing.T, l *corolla.Loop, reports *[]error)) {
	t.Helper()
	for _, host := range []string{"real", "sim"} {
		t.Run(host, func(t *testing.T) {
			reports := new([]error)
			opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { *reports = append(*reports, err) })}
			if host == "sim" {
				test(t, sim.New(1).NewLoop(opts...), reports)
				return
			}
			l, err := corolla.New(opts...)
			leaktest.NeedLoop(t, err)
			test(t, l, reports)
		})
	}
}

// turns runs a loop for some turns.
func turns(t *testing.T, l *corolla.Loop, n int) {
	t.Helper()
	if err := l.Run(func(task *corolla.Task) error {
		for range n {
			if err := task.Yield(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// begun lets what was started run to where it first waits.
func begun(t *testing.T, task *corolla.Task) {
	t.Helper()
	for range 3 {
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
	}
}

// closeLoop closes a loop on which there are generators.
func closeLoop(t *testing.T, l *corolla.Loop) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestClosingTheLoopEndsGenerators: nothing waits any more, but every deferred function runs.
func TestClosingTheLoopEndsGenerators(t *testing.T) {
	onNewLoops(t, func(t *testing.T, l *corolla.Loop, reports *[]error) {
		var plain, canceled, inner, stayed bool
		unwound := 0
		a := gen.Go(l, tidy(&plain, 3))
		b := gen.Go(l, tidy(&canceled, 3))
		c := gen.Go(l, delegating(gen.New(tidy(&inner, 3))))
		d := gen.Go(l, func(y *co) (string, error) {
			defer func() { stayed = true }()
			for range 3 { // which wait while they are unwound
				defer func() {
					defer func() { unwound++ }()
					_, _ = y.Yield(gen.Turn())
				}()
			}
			return stubborn(y)
		})
		turns(t, l, 2)
		b.Cancel(errBad) // it is in its cleanup when the loop is closed
		closeLoop(t, l)
		if !plain || !canceled || !inner || !stayed || unwound != 3 {
			t.Errorf("cleaned up: %v, %v in a cleanup, %v behind From, %v if it goes on", plain, canceled, inner, stayed)
		}
		for name, f := range map[string]*corolla.Future[string]{"plain": a, "behind From": c, "endless": d} {
			if _, err := f.Result(); !errors.Is(err, corolla.ErrLoopClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.Result(); !errors.Is(err, errBad) || errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("one that was canceled before: %v", err)
		}
		endless(t, *reports, "TestClosingTheLoopEndsGenerators", "was unwound")
	})
}

// TestEndedGeneratorIsForgotten: a loop holds nothing of those that have ended.
func TestEndedGeneratorIsForgotten(t *testing.T) {
	onNewLoops(t, func(t *testing.T, l *corolla.Loop, _ *[]error) {
		const many = 10
		freed := make(chan bool, 2*many)
		for i := range 2 * many {
			big := new([1 << 10]int)
			runtime.AddCleanup(big, func(bool) { freed <- true }, true)
			f := gen.Go(l, func(y *co) (int, error) {
				for range len(big) % 7 {
					if _, err := y.Yield(gen.Turn()); err != nil {
						return 0, err
					}
				}
				return big[0], nil
			})
			if i%2 == 0 {
				l.Soon(func() { f.Cancel(nil) })
			}
		}
		turns(t, l, 10)
		turns(t, l, 10) // nothing is left of what has run before
		for len(freed) < 2*many-1 {
			runtime.GC()
			runtime.Gosched()
		}
		leaktest.Close(t, l)
	})
}

// TestErrorOfACleanupAtCloseIsReported: nobody awaits it any more.
func TestErrorOfACleanupAtCloseIsReported(t *testing.T) {
	onNewLoops(t, func(t *testing.T, l *corolla.Loop, reports *[]error) {
		gen.Go(l, func(y *co) (int, error) {
			_, err := y.Yield(gen.Sleep(time.Hour))
			return 0, errors.Join(err, io.ErrShortWrite)
		})
		turns(t, l, 2)
		closeLoop(t, l)
		if len(*reports) != 1 || !errors.Is((*reports)[0], io.ErrShortWrite) {
			t.Errorf("reported: %v", *reports)
		}
	})
}

// TestRefusedWaitsDoNotKeepTheLoop: a generator that does not look at its errors waits for what
// another waits for already.
func TestRefusedWaitsDoNotKeepTheLoop(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if err := ln.OnceReadable(func() {}); err != nil {
			t.Fatal(err)
		}
		over, refused := false, 0
		f := gen.Go(l, func(y *co) (int, error) {
			for !over {
				if _, err := y.Yield(gen.Readable(ln)); errors.Is(err, corolla.ErrBusy) {
					refused++
				}
			}
			return refused, nil
		})
		for range 4 {
			begun(t, task)
		}
		over = true
		if n, err := f.Await(task); n < 10 || err != nil {
			t.Errorf("refused %d times, %v", n, err)
		}
	})
}
