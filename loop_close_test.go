package corolla_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
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
	if !ln.Closed() || len(exits.errs) != 2 || !errors.Is(exits.errs[0], corolla.ErrGoexit) || !errors.Is(exits.errs[1], corolla.ErrGoexit) {
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

func TestCloseEndsEveryTask(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var tr trace
		l.Go(func(task *corolla.Task) error {
			defer tr.add("cleanup")
			if err := task.Park("for ever"); !errors.Is(err, corolla.ErrLoopClosed) {
				t.Errorf("Park while the loop is closed: %v", err)
			}
			return nil
		})
		l.Go(func(task *corolla.Task) error { // one that does not take no for an answer
			defer tr.add("stubborn")
			for {
				_ = task.Sleep(time.Hour)
			}
		})
		l.Soon(l.Stop)
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		l.Go(func(*corolla.Task) error { t.Error("a task that was never run ran"); return nil })
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "stubborn cleanup") // the youngest first
		wantUnwound(t, log, false)
	})
}

func TestWorkOnAClosedLoop(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.SlowLimit(time.Hour))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, offloaded := corolla.Offload(l, func() (int, error) { t.Error("ran"); return 0, nil }).Result()
		_, to := corolla.OffloadTo(l.Workers("a kind"), func(context.Context) (int, error) { t.Error("ran"); return 0, nil }).Result()
		_, literal := l.Resolve("tcp", "127.0.0.1:80").Result()
		_, name := l.Resolve("tcp", "localhost:80").Result()
		_, dial := l.Dial("tcp", "127.0.0.1:80").Result()
		for i, err := range []error{offloaded, to, literal, name, dial} {
			if !errors.Is(err, corolla.ErrLoopClosed) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if text := panicText(t, func() { l.OnSignal(nil) }); !strings.Contains(text, "OnSignal on a closed loop") {
			t.Errorf("OnSignal panicked with %q", text)
		}
		in := make(chan int, 1)
		in <- 1
		q := corolla.FromChan(l, in, 1)
		if _, err := q.TryGet(); err != corolla.ErrQueueShutdown || len(in) != 1 {
			t.Errorf("FromChan: %v, %d values left in the channel", err, len(in))
		}
		out := make(chan int)
		_, err := corolla.ToChan(l, q, out).Result()
		if _, open := <-out; open || !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("ToChan: %v, open %v", err, open)
		}
	})
}

// While a loop is being closed its tasks still run, and what they begin must come to nothing.
func TestWorkOnALoopThatIsBeingClosed(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ran := false
		l.Go(func(task *corolla.Task) error {
			defer func() {
				ran = true
				l.OnSignal(func(os.Signal) {})()
				if _, err := corolla.FromChan(l, make(chan int), 1).TryGet(); err != corolla.ErrQueueShutdown {
					t.Errorf("FromChan: %v", err)
				}
				if _, err := l.Dial("tcp", "127.0.0.1:80").Result(); !errors.Is(err, corolla.ErrLoopClosed) {
					t.Errorf("Dial: %v", err)
				}
			}()
			return forever(task)
		}, corolla.Eager())
		if err := l.Close(); err != nil || !ran {
			t.Errorf("Close: %v; the task ended: %v", err, ran)
		}
	})
}
