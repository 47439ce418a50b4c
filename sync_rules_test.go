package corolla_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

var syncRules = []rule{
	{32, "a lock that is released to waiters is not Locked, yet who comes now is behind them", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			var lock corolla.Lock
			if err := lock.Lock(task); err != nil {
				return err
			}
			take := func(name string) *corolla.Future[struct{}] {
				return task.Loop().Go(func(task *corolla.Task) error {
					defer lock.Unlock()
					err := lock.Lock(task)
					tr.add("%s", name)
					return err
				}, corolla.Eager())
			}
			a := take("a")
			lock.Unlock()
			if lock.Locked() || lock.TryLock() {
				t.Error("the lock is neither locked nor free")
			}
			b := take("b")
			if _, err := corolla.All(task.Loop(), a, b).Await(task); err != nil {
				return err
			}
			tr.want(t, "a b")
			return nil
		})},
	{33, "a semaphore that is released to a waiter stays Locked: the unit is handed over", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			s := corolla.NewSemaphore(1)
			if err := s.Acquire(task); err != nil {
				return err
			}
			f := task.Loop().Go(s.Acquire, corolla.Eager())
			s.Release()
			if !s.Locked() || s.TryAcquire() {
				t.Error("the unit can be taken away")
			}
			if _, err := f.Await(task); err != nil {
				return err
			}
			s.Release()
			if s.Locked() {
				t.Error("still locked")
			}
			return nil
		})},
	{34, "a waiter that was woken and is canceled passes the wake-up on", passOn},
	{35, "Condition.Wait takes the lock again, however often it is canceled", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			c := corolla.NewCondition(nil)
			f := task.Loop().Go(func(task *corolla.Task) error {
				if err := c.L().Lock(task); err != nil {
					return err
				}
				defer c.L().Unlock() // panics unless it is locked
				err := c.Wait(task)
				tr.add("waiter")
				return err
			}, corolla.Eager())
			if err := c.L().Lock(task); err != nil {
				return err
			}
			f.Cancel(nil)
			if err := turns(task, 3); err != nil {
				return err
			}
			f.Cancel(nil)
			if err := turns(task, 3); err != nil {
				return err
			}
			tr.add("owner")
			c.L().Unlock()
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Wait = %v", err)
			}
			tr.want(t, "owner waiter")
			return nil
		})},
	{36, "Set and Clear at once still wake those who wait", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			var e corolla.Event
			a := task.Loop().Go(e.Wait, corolla.Eager())
			b := task.Loop().Go(e.Wait, corolla.Eager())
			e.Set()
			e.Clear()
			_, err := corolla.All(task.Loop(), a, b).Await(task)
			if e.IsSet() {
				t.Error("it is set")
			}
			return err
		})},
}

// passOn has two tasks that wait, wakes the first, cancels it before it runs, and expects
// the second to get what the first was woken for.
func passOn(t *testing.T, l *corolla.Loop, _ *errorLog) {
	var lock corolla.Lock
	sem := corolla.NewSemaphore(0)
	cond := corolla.NewCondition(nil)
	queue := corolla.NewQueue[int](1)
	inCond := func(task *corolla.Task) error {
		if err := cond.L().Lock(task); err != nil {
			return err
		}
		defer cond.L().Unlock()
		return cond.Wait(task)
	}
	for _, c := range []struct {
		name string
		wait func(*corolla.Task) error
		wake func(*corolla.Task) error
	}{
		{"lock", lock.Lock, func(*corolla.Task) error { lock.Unlock(); return nil }},
		{"semaphore", sem.Acquire, func(*corolla.Task) error { sem.Release(); return nil }},
		{"condition", inCond, func(task *corolla.Task) error {
			err := cond.L().Lock(task)
			cond.Notify(1)
			cond.L().Unlock()
			return err
		}},
		{
			"queue",
			func(task *corolla.Task) error { _, err := queue.Get(task); return err },
			func(*corolla.Task) error { return queue.TryPut(1) },
		},
	} {
		run(t, l, func(task *corolla.Task) error {
			if c.name == "lock" && !lock.TryLock() {
				t.Error("the lock is taken")
			}
			first := l.Go(c.wait, corolla.Eager())
			second := l.Go(c.wait, corolla.Eager())
			if err := c.wake(task); err != nil {
				return err
			}
			first.Cancel(nil)
			if _, err := first.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("%s: the first returns %v", c.name, err)
			}
			if _, err := second.AwaitTimeout(task, time.Second); err != nil {
				t.Errorf("%s: the second was not woken: %v", c.name, err)
			}
			return nil
		})
	}
}
