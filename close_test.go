package corolla_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// TestCloseIsNoWakeUp ends holders and waiters of everything that hands something on: nobody who
// only waited has got it, and what is left can be used by the tasks of another loop.
func TestCloseIsNoWakeUp(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		var log errorLog
		semaphore, bounded := corolla.NewSemaphore(1), corolla.NewBoundedSemaphore(1)
		var lock corolla.Lock
		var waiters corolla.Waiters
		l := newLoop(corolla.ErrorHandler(log.add))
		hold := func(take func(*corolla.Task) error, give func()) {
			for range 3 {
				l.Go(func(t *corolla.Task) error {
					if err := take(t); err != nil {
						return err
					}
					defer give()
					return t.Park("ever")
				}, corolla.Eager())
			}
		}
		hold(semaphore.Acquire, semaphore.Release)
		hold(bounded.Acquire, bounded.Release)
		hold(lock.Lock, lock.Unlock)
		l.Go(func(task *corolla.Task) error {
			if woken, err := waiters.Wait(task, "a test"); woken || !errors.Is(err, corolla.ErrLoopClosed) {
				t.Errorf("Wait = %v, %v", woken, err)
			}
			return nil
		}, corolla.Eager())
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if s := semaphore.Stats(); s != (corolla.SemaphoreStats{Value: 1}) {
			t.Errorf("the semaphore stands at %+v", s)
		}
		if s := bounded.Stats(); s != (corolla.SemaphoreStats{Value: 1}) {
			t.Errorf("the bounded semaphore stands at %+v", s)
		}
		if s := lock.Stats(); s != (corolla.LockStats{}) {
			t.Errorf("the lock stands at %+v", s)
		}
		if len(log.errs) > 0 {
			t.Errorf("the handler got %v", log.errs)
		}
		l = newLoop(corolla.SlowLimit(0))
		defer l.Close()
		run(t, l, func(task *corolla.Task) error {
			lock.TryLock()
			next := l.Go(lock.Lock, corolla.Eager())
			lock.Unlock()
			_, err := next.AwaitTimeout(task, time.Minute)
			return err
		})
	})
}

func TestOnCloseInCleanupIsCalled(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		l.OnClose(func() { tr.add("first") })
		l.Go(func(task *corolla.Task) error {
			err := task.Park("ever")
			l.OnClose(func() { tr.add("late") })
			tr.add("task")
			return err
		}, corolla.Eager())
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		tr.want(t, "first task late")
	})
}

func TestGroupRefusedAtCloseCountsNobody(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ended := false
		l.Go(func(task *corolla.Task) error {
			_ = task.Park("ever")
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(*corolla.Task) error { t.Error("it ran"); return nil })
				if g.Len() != 0 {
					t.Errorf("%d children", g.Len())
				}
				return nil
			})
			ended = true
			return err
		}, corolla.Eager())
		if err := l.Close(); err != nil || !ended {
			t.Errorf("Close: %v; the task has ended: %v", err, ended)
		}
	})
}

// TestGoexitInAnEagerChild ends the goroutine of the loop; the parent's cleanup runs on it.
func TestGoexitInAnEagerChild(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var cleanup any = "not run"
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = l.Run(func(task *corolla.Task) error {
				defer func() {
					defer func() { cleanup = recover() }()
					_ = task.Timeout(time.Second, func(*corolla.Scope) error { return nil })
					l.Soon(func() {})
				}()
				l.Go(func(*corolla.Task) error { runtime.Goexit(); return nil }, corolla.Eager())
				return nil
			})
		}()
		<-done
		if cleanup != nil {
			t.Errorf("the parent's cleanup: %v", cleanup)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		for _, err := range log.errs {
			if !errors.Is(err, corolla.ErrGoexit) {
				t.Errorf("the handler got %v", err)
			}
		}
		log.errs = nil
	})
}

func TestAbandonedTaskLeavesItsScopes(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		leaktest.Abandon(1)
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error {
				return task.Timeout(time.Hour, func(*corolla.Scope) error {
					return task.Group(func(g *corolla.Group) error {
						g.Go(func(*corolla.Task) error { return errChild })
						for {
							func() {
								defer func() { _ = recover() }()
								_ = task.Sleep(time.Second)
							}()
						}
					})
				})
			})
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
			f.Cancel(nil)
			_, err := f.AwaitTimeout(task, time.Minute)
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("it has ended with %v", err)
			}
			return nil
		})
		found := false
		for _, err := range log.errs {
			found = found || errors.Is(err, errChild)
		}
		if !found {
			t.Errorf("the child's error is not among %v", log.errs)
		}
		wantUnwound(t, log, true)
	})
}

func TestFromChanAtTheEndOfRun(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ch := make(chan int)
		run(t, l, func(task *corolla.Task) error {
			l.Go(func(task *corolla.Task) error {
				return task.Shielded(func(*corolla.Scope) error {
					if err := task.Yield(); err != nil {
						return err
					}
					_, err := corolla.FromChan(l, ch, 1).Get(task)
					if !errors.Is(err, corolla.ErrQueueShutdown) {
						t.Errorf("Get = %v", err)
					}
					return nil
				})
			}, corolla.Eager())
			return nil
		})
	})
}
