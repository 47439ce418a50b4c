package gen_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// tidy is a body whose cleanup waits some times, and says when it is done.
func tidy(done *bool, naps int) func(y *co) (string, error) {
	return func(y *co) (_ string, err error) {
		defer func() {
			for range naps {
				if _, e := y.Yield(gen.Sleep(time.Millisecond)); e != nil {
					err = errors.Join(err, e)
				}
			}
			*done = true
		}()
		_, err = y.Yield(gen.Sleep(time.Hour))
		return "", err
	}
}

func TestCleanupOfACanceledGeneratorMayWait(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		for name, body := range map[string]func(done *bool) gen.Coroutine[string]{
			"its own":      func(done *bool) gen.Coroutine[string] { return tidy(done, 3) },
			"of its inner": func(done *bool) gen.Coroutine[string] { return delegating(gen.New(tidy(done, 3))) },
			"of both": func(done *bool) gen.Coroutine[string] {
				inner := false
				return func(y *co) (string, error) {
					defer func() {
						_, err := y.Yield(gen.Turn())
						*done = inner && err == nil
					}()
					return gen.From(y, gen.New(tidy(&inner, 2)))
				}
			},
		} {
			done := false
			begin := l.Now()
			f := gen.Go(l, body(&done))
			begun(t, task)
			f.Cancel(errBad)
			f.Cancel(nil) // which changes nothing
			if done || f.Done() {
				t.Errorf("%s: done %v, settled %v before the cleanup has waited", name, done, f.Done())
			}
			_, err := f.Await(task)
			if !errors.Is(err, corolla.ErrCanceled) || !errors.Is(err, errBad) || !f.Canceled() || !done {
				t.Errorf("%s: Await = %v, cleaned up: %v", name, err, done)
			}
			if took := l.Now() - begin; took < 2*time.Millisecond && name != "of both" {
				t.Errorf("%s: the cleanup's sleeps took %v", name, took)
			}
		}
	})
}

func delegating(inner *gen.Generator[gen.Wait, struct{}, string]) gen.Coroutine[string] {
	return func(y *co) (string, error) { return gen.From(y, inner) }
}

// TestDelegatorEndsThoughInnerSwallows: rule 19, also where the cleanup waits.
func TestDelegatorEndsThoughInnerSwallows(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		var after error
		f := gen.Go(task.Loop(), func(y *co) (string, error) {
			_, after = gen.From(y, gen.New(func(y *co) (string, error) {
				_, _ = y.Yield(gen.Sleep(time.Hour))
				_, err := y.Yield(gen.Turn())
				return "swallowed", err
			}))
			return "", after
		})
		begun(t, task)
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || after != gen.ErrExit {
			t.Errorf("Await = %v, From = %v", err, after)
		}
	})
}

// TestCleanupOfAnInnerHearsOfErrors: of waits that are refused, and its own is the delegator's.
func TestCleanupOfAnInnerHearsOfErrors(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		ln, err := task.Loop().Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if err := ln.OnceReadable(func() {}); err != nil {
			t.Fatal(err)
		}
		f := gen.Go(task.Loop(), delegating(gen.New(func(y *co) (string, error) {
			_, exit := y.Yield(gen.Sleep(time.Hour))
			_, busy := y.Yield(gen.Readable(ln))
			return "", errors.Join(exit, busy)
		})))
		begun(t, task)
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrBusy) || f.Canceled() {
			t.Errorf("Await = %v", err)
		}
	})
}

// TestCancelBetweenRefusals: the error of a wait that was refused is not thrown at the cleanup.
func TestCancelBetweenRefusals(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		ln, err := task.Loop().Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if err := ln.OnceReadable(func() {}); err != nil {
			t.Fatal(err)
		}
		var exit, after error
		f := gen.Go(task.Loop(), func(y *co) (int, error) {
			for exit != gen.ErrExit {
				_, exit = y.Yield(gen.Readable(ln))
			}
			_, after = y.Yield(gen.Turn())
			return 0, exit
		})
		begun(t, task)
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || after != nil {
			t.Errorf("Await = %v, the cleanup's wait = %v", err, after)
		}
	})
}

// TestEndlessCleanupIsEnded: whatever a canceled generator does, it ends, its deferred functions
// run, and it is reported.
func TestEndlessCleanupIsEnded(t *testing.T) {
	for name, wait := range map[string]func(y *co) error{
		"that sleeps": func(y *co) error { _, err := y.Yield(gen.Sleep(time.Hour)); return err },
		"that spins":  func(y *co) error { _, err := y.Yield(gen.Turn()); return err },
		"of an inner": func(y *co) error { _, err := gen.From(y, gen.New(stubborn)); return err },
	} {
		t.Run(name, func(t *testing.T) {
			var reports []error
			l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { reports = append(reports, err) }))
			cleaned := false
			f := gen.Go(l, func(y *co) (string, error) {
				defer func() { cleaned = true }()
				for {
					_ = wait(y)
				}
			})
			if err := l.Run(func(task *corolla.Task) error {
				begun(t, task)
				f.Cancel(nil)
				_, err := f.AwaitTimeout(task, time.Minute)
				if !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("Await = %v", err)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			if !cleaned {
				t.Error("its deferred function has not run")
			}
			endless(t, reports, "TestEndlessCleanupIsEnded", "was unwound")
			leaktest.Close(t, l)
		})
	}
}

// endless checks the report of a generator that did not end when it was canceled.
func endless(t *testing.T, reports []error, says ...string) {
	t.Helper()
	if len(reports) != 1 || !errors.Is(reports[0], gen.ErrIgnored) {
		t.Fatalf("reported: %v", reports)
	}
	for _, text := range says {
		if !strings.Contains(reports[0].Error(), text) {
			t.Errorf("reported: %v; want %q in it", reports[0], text)
		}
	}
}

// TestCleanupThatCannotBeEndedIsLeftAlone: nothing can end a body that recovers every time.
func TestCleanupThatCannotBeEndedIsLeftAlone(t *testing.T) {
	onNewLoops(t, func(t *testing.T, l *corolla.Loop, reports *[]error) {
		var letGo atomic.Bool
		gone := make(chan struct{})
		func() {
			gen.Go(l, func(y *co) (string, error) {
				defer close(gone)
				for !letGo.Load() {
					func() {
						defer func() { _ = recover() }()
						_, _ = y.Yield(gen.Turn())
					}()
				}
				return "", nil
			})
			turns(t, l, 2)
			closeLoop(t, l)
		}()
		endless(t, *reports, "TestCleanupThatCannotBeEnded", "was left as it is")
		letGo.Store(true)
		for l = nil; ; runtime.GC() { // the garbage collector's close ends it at last
			select {
			case <-gone:
				return
			default:
				runtime.Gosched()
			}
		}
	})
}

// stubborn goes on whatever it is told.
func stubborn(y *co) (string, error) {
	for {
		_, _ = y.Yield(gen.Turn())
	}
}

// TestCanceledBeforeItBegins: nothing of it runs.
func TestCanceledBeforeItBegins(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		f := gen.Go(task.Loop(), func(*co) (int, error) { t.Error("it ran"); return 0, nil })
		f.Cancel(errBad)
		if _, err := f.Await(task); !errors.Is(err, errBad) || !f.Canceled() {
			t.Errorf("Await = %v", err)
		}
	})
}

// TestCanceledWhileItRuns: it hears of it where it next waits, or not at all if it ends before.
func TestCanceledWhileItRuns(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		for _, waits := range []bool{true, false} {
			var self *corolla.Future[int]
			told := false
			self = gen.Go(task.Loop(), func(y *co) (int, error) {
				self.Cancel(errBad)
				if !waits {
					return 1, nil
				}
				_, err := y.Yield(gen.Sleep(time.Hour))
				told = err == gen.ErrExit
				return 0, err
			})
			if _, err := self.Await(task); !errors.Is(err, errBad) || told != waits {
				t.Errorf("waits %v: Await = %v, told: %v", waits, err, told)
			}
		}
	})
}
