package corolla_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestTaskIsAContext(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		type key struct{}
		parent := context.WithValue(context.Background(), key{}, "value")
		before := runtime.NumGoroutine()
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error {
				child, cancel := context.WithCancel(task)
				defer cancel()
				if child.Value(key{}) != "value" || task.Err() != nil {
					t.Error("the context's values are lost, or it has ended")
				}
				cause := errors.New("cause")
				task.Cancel(cause)
				<-child.Done()
				if child.Err() != context.Canceled || context.Cause(child) != cause || context.Cause(task) != cause {
					t.Errorf("child: %v, %v", child.Err(), context.Cause(child))
				}
				return task.Yield()
			}, corolla.With(parent))
			_, err := f.Await(task)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Await = %v", err)
			}
			var inside context.Context
			err = task.Timeout(time.Millisecond, func(s *corolla.Scope) error {
				var cancel context.CancelFunc
				inside, cancel = context.WithTimeout(s, time.Hour)
				defer cancel()
				if _, ok := task.Scope().Deadline(); !ok {
					t.Error("no Deadline in a Timeout")
				}
				err := task.Sleep(time.Hour)
				<-inside.Done()
				return err
			})
			if err == nil || inside.Err() != context.DeadlineExceeded {
				t.Errorf("a context made in a Timeout that passed: %v, %v", err, inside.Err())
			}
			return nil
		})
		if n := runtime.NumGoroutine(); n > before+3 { // the two tasks' coroutines are kept
			t.Errorf("%d goroutines before, %d after", before, n)
		}
	})
}

// TestTaskIsAContextForOthersWhileItChangesScopes has a goroutine make contexts of a task all the
// while: the context package asks for Done and then for Err, and they must belong together, or it
// ends the process.
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

func TestForeignContextCancelsATask(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("the request is gone")
	run(t, l, func(task *corolla.Task) error {
		f := l.Go(func(task *corolla.Task) error { return task.Sleep(time.Hour) }, corolla.With(ctx))
		if err := task.Yield(); err != nil {
			return err
		}
		go cancel(cause)
		if _, err := f.Await(task); !errors.Is(err, cause) {
			t.Errorf("Await = %v", err)
		}
		return nil
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
			if _, err := f.Await(task); !errors.Is(err, boom) || !f.Canceled() {
				t.Errorf("with a context that ends: %v", err)
			}
			return nil
		})
	})
}

func TestLastContextIsTheTasks(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			one, cancelOne := context.WithCancel(context.Background())
			two, cancelTwo := context.WithCancel(context.Background())
			defer cancelTwo()
			f := l.Go(func(t *corolla.Task) error { return t.Sleep(time.Millisecond) }, corolla.With(one), corolla.With(two))
			cancelOne()
			if n := l.Stats().Contexts; n != 1 {
				t.Errorf("%d contexts", n)
			}
			_, err := f.Await(task)
			return err
		})
	})
}
