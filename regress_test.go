package corolla_test

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// Bugs that were found once, each by its behaviour.

func TestTimeoutAroundAGroupIsReturned(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Timeout(ms, func(*corolla.Scope) error {
				return task.Group(func(g *corolla.Group) error { g.Go(forever); return nil })
			})
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Timeout of a group = %v", err)
			}
			err = task.Cancelable(func(s *corolla.Scope) error {
				s.Cancel(nil)
				return task.Group(func(g *corolla.Group) error {
					_, _ = g.Go(forever).Result() // refused
					return nil
				})
			})
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("a group in a canceled scope = %v", err)
			}
			return nil
		})
	})
}

func TestGroupBodyThatFailsWithAForeignCancelEndsTheGroup(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			gone := corolla.NewFuture[int](l)
			gone.Cancel(nil)
			err := task.Group(func(g *corolla.Group) error {
				g.Go(forever)
				_, err := gone.Await(task)
				return err
			})
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Group = %v", err)
			}
			return nil
		})
	})
}

func TestErrorJoinedWithACancelIsNotLost(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			disk, boom := errors.New("disk"), errors.New("boom")
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(task *corolla.Task) error { return errors.Join(forever(task), disk) })
				g.Go(func(*corolla.Task) error { return boom })
				return nil
			})
			if !errors.Is(err, disk) || !errors.Is(err, boom) {
				t.Errorf("Group = %v", err)
			}
			return nil
		})
	})
}

// TestTaskIsAContextForOthersWhileItChangesScopes once ended the process: the context
// package asks for Done and then for Err, and they must belong together.
func TestTaskIsAContextForOthersWhileItChangesScopes(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			stop, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				for {
					select {
					case <-stop:
						return
					default:
						_, cancel := context.WithCancel(task)
						cancel()
					}
				}
			}()
			defer func() { close(stop); <-ended }()
			for range 2000 {
				if err := task.Timeout(time.Hour, func(*corolla.Scope) error { return task.Yield() }); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func TestPanickingReaderDoesNotStopTheClock(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.ErrorHandler(func(error) {}))
		defer l.Close()
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		arrived(t, l, a, b)
		b.OnReadable(func() { panic("every time") })
		l.After(ms, l.Stop)
		mustRunForever(t, l)
	})
}

func TestStopEndsARunThatWaitsForItsTasks(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		run(t, l, func(task *corolla.Task) error {
			l.Go(func(task *corolla.Task) error {
				return task.Shielded(func(*corolla.Scope) error { return task.Sleep(time.Hour) })
			}, corolla.Eager())
			l.After(ms, l.Stop)
			return nil
		})
	})
}

func TestTaskStartedWhileRunEndsIsCanceledToo(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(*corolla.Task) error {
			l.Go(func(task *corolla.Task) error {
				err := forever(task)
				l.Go(forever)
				return err
			}, corolla.Eager())
			return nil
		})
	})
}

func TestVeryLongAndVeryShortTimes(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		run(t, l, func(task *corolla.Task) error {
			l.Go(func(task *corolla.Task) error { return task.Sleep(math.MaxInt64) }, corolla.Eager())
			l.After(math.MaxInt64, func() { t.Error("the end of time came") })
			if err := task.Sleep(ms); err != nil { // is not held up by them
				return err
			}
			ran := false
			l.At(-time.Hour, func() { ran = true })
			err := task.Timeout(math.MaxInt64, func(*corolla.Scope) error { return turns(task, 3) })
			if !ran {
				t.Error("a timer for the past did not run")
			}
			return err
		})
	})
}

func TestCloseSurvivesCleanupThatPanics(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.OnClose(func() { panic("oops") })
		l.OnClose(func() { l.Soon(func() { t.Error("it ran") }) }) // dropped
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if !ln.Closed() || len(log.errs) != 1 || !strings.Contains(log.errs[0].Error(), "oops") {
			t.Errorf("listener closed: %v; the handler got %v", ln.Closed(), log.errs)
		}
		log.errs = nil
	})
}

func TestCloseSurvivesCleanupThatExits(t *testing.T) {
	var exits errorLog
	l := sim.New(1).NewLoop(corolla.ErrorHandler(exits.add))
	ln, err := l.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tr trace
	for _, name := range []string{"a", "b"} {
		l.Go(func(task *corolla.Task) error {
			defer runtime.Goexit()
			defer tr.add("%s", name)
			return forever(task)
		})
	}
	l.Soon(l.Stop)
	mustRunForever(t, l)
	ended := make(chan struct{})
	go func() { // the goroutine that closes the loop is ended by it
		defer close(ended)
		_ = l.Close()
	}()
	<-ended
	tr.want(t, "b a")
	if !ln.Closed() || len(exits.errs) != 2 {
		t.Errorf("listener closed: %v; the handler got %v", ln.Closed(), exits.errs)
	}
}

func TestGroupsChildrenEndBeforeItAtClose(t *testing.T) {
	l := newLoop()
	var tr trace
	l.Go(func(task *corolla.Task) error {
		err := task.Group(func(g *corolla.Group) error {
			g.Go(func(task *corolla.Task) error { defer tr.add("child"); return forever(task) })
			return nil
		})
		tr.add("group")
		return err
	})
	l.Soon(func() { l.Soon(func() { l.Soon(l.Stop) }) })
	mustRunForever(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	tr.want(t, "child group")
}

func TestPanicInOnCancelDoesNotKeepOthersFromTheCancel(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := corolla.NewFuture[int](l)
			f.OnCancel(func(error) { panic("bug") })
			err := task.Timeout(ms, func(*corolla.Scope) error {
				return task.Group(func(g *corolla.Group) error {
					g.Go(func(task *corolla.Task) error { _, err := f.Await(task); _ = err; return nil })
					g.Go(forever)
					return nil
				})
			})
			if !errors.Is(err, os.ErrDeadlineExceeded) || len(log.errs) != 1 {
				t.Errorf("Timeout = %v; the handler got %v", err, log.errs)
			}
			log.errs = nil
			return nil
		})
	})
}

func TestStrayUnparkDoesNotEndAnAwait(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := corolla.NewFuture[int](l)
			l.Soon(func() {
				task.Unpark()
				l.After(ms, func() { _ = f.Resolve(5) })
			})
			if v, err := f.Await(task); v != 5 || err != nil {
				t.Errorf("Await = %v, %v", v, err)
			}
			return nil
		})
	})
}

func TestTasksThatAwaitEachOtherCanBeCanceled(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var a, b *corolla.Future[struct{}]
			a = l.Go(func(task *corolla.Task) error { _, err := b.Await(task); return err })
			b = l.Go(func(task *corolla.Task) error { _, err := a.Await(task); return err })
			if err := turns(task, 2); err != nil {
				return err
			}
			a.Cancel(nil)
			_, _, err := corolla.Wait(task, corolla.AllDone, a, b)
			if !a.Canceled() || !b.Canceled() {
				t.Errorf("a canceled: %v, b canceled: %v", a.Canceled(), b.Canceled())
			}
			return err
		})
	})
}

func TestInnerTimeoutIsNotTheTasksCancel(t *testing.T) { // asyncio rule 13 holds after it
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error {
				_ = task.Timeout(0, func(*corolla.Scope) error { return task.Yield() })
				task.Cancel(nil)
				return nil
			})
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Await = %v", err)
			}
			return nil
		})
	})
}

func TestContextGivenToATask(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			boom := errors.New("boom")
			over, cancel := context.WithCancelCause(context.Background())
			cancel(boom)
			f := l.Go(func(*corolla.Task) error { t.Error("it ran"); return nil }, corolla.With(over))
			if _, err := f.Await(task); !errors.Is(err, boom) {
				t.Errorf("with a context that has ended: %v", err)
			}
			when := time.Now().Add(-time.Second)
			late, stop := context.WithDeadline(context.Background(), when)
			defer stop()
			f = l.Go(func(*corolla.Task) error { t.Error("it ran"); return nil }, corolla.With(late))
			if _, err := f.Await(task); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with a deadline that has passed: %v", err)
			}
			live, cancelLive := context.WithCancelCause(context.Background())
			f = l.Go(func(task *corolla.Task) error {
				l.Soon(func() { cancelLive(boom) }) // on a simulated loop this is no deadlock
				err := forever(task)
				if context.Cause(task) != boom || task.Cause() != boom || !errors.Is(err, boom) {
					t.Errorf("causes: %v, %v, %v", context.Cause(task), task.Cause(), err)
				}
				return err
			}, corolla.With(live))
			_, _ = f.Await(task)
			return nil
		})
	})
}

func TestSignalsCanBeStoppedTwice(t *testing.T) {
	eachHost(t, func(_ *testing.T, l *corolla.Loop, _ *errorLog) {
		stop := l.OnSignal(func(os.Signal) {}, os.Interrupt)
		stop()
		stop()
	})
}

func TestSimulatedPortsDoNotRunOut(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		for range 20_000 {
			s, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
			if err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
			for {
				c, err := ln.TryAccept()
				if err == corolla.ErrWouldBlock {
					break
				}
				if err != nil {
					return err
				}
				if err := c.Close(); err != nil {
					return err
				}
			}
		}
		return ln.Close()
	})
}

func TestStrayUnparkDoesNotOpenALock(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var lock corolla.Lock
			sem := corolla.NewSemaphore(0)
			queue := corolla.NewQueue[int](1)
			lock.TryLock()
			var waiting []*corolla.Future[struct{}]
			for _, wait := range []func(*corolla.Task) error{
				lock.Lock, sem.Acquire,
				func(task *corolla.Task) error { _, err := queue.Get(task); return err },
			} {
				f := l.Go(wait, corolla.Eager())
				f.Task().Unpark()
				waiting = append(waiting, f)
			}
			if err := turns(task, 3); err != nil {
				return err
			}
			for i, f := range waiting {
				if f.Done() {
					t.Errorf("waiter %d was let through", i)
				}
			}
			lock.Unlock()
			sem.Release()
			if err := queue.TryPut(1); err != nil {
				return err
			}
			_, err := corolla.All(l, waiting...).Await(task)
			return err
		})
	})
}

func TestQueueThatIsShutAtOnceKeepsNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.NewQueue[int](1)
			getter := corolla.Go(l, q.Get, corolla.Eager())
			if err := q.TryPut(1); err != nil { // handed to the getter
				return err
			}
			getter.Cancel(nil)
			q.Shutdown(true)
			if err := q.Join(task); err != nil {
				return err
			}
			if s := q.Stats(); s.Len != 0 || s.Unfinished != 0 {
				t.Errorf("left: %+v", s)
			}
			return nil
		})
	})
}
