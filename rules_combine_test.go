package corolla_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

var combineRules = []rule{
	{18, "a canceled child makes All fail with a cancel, though All was not canceled", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			l := task.Loop()
			a, b := corolla.NewFuture[int](l), corolla.NewFuture[int](l)
			all := corolla.All(l, a, b)
			b.Cancel(nil)
			if _, err := all.Await(task); !errors.Is(err, corolla.ErrCanceled) || all.Canceled() {
				t.Errorf("Await = %v, Canceled = %v", err, all.Canceled())
			}
			return a.Resolve(1)
		})},
	{19, "canceling Collect is a cancel, after all children have ended", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			l := task.Loop()
			slow := l.Go(func(task *corolla.Task) error {
				err := forever(task)
				_ = task.Shielded(func(*corolla.Scope) error { return turns(task, 3) })
				tr.add("child")
				return err
			}, corolla.Eager())
			all := corolla.Collect(l, slow)
			all.Cancel(nil)
			_, err := all.Await(task)
			tr.add("all")
			if !errors.Is(err, corolla.ErrCanceled) || !all.Canceled() {
				t.Errorf("Await = %v", err)
			}
			tr.want(t, "child all")
			return nil
		})},
	{20, "a future given twice runs once and fills both places", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			f := corolla.Go(task.Loop(), func(*corolla.Task) (int, error) { tr.add("run"); return 3, nil })
			v, err := corolla.All(task.Loop(), f, f).Await(task)
			if err != nil || len(v) != 2 || v[0] != 3 || v[1] != 3 {
				t.Errorf("Await = %v, %v", v, err)
			}
			tr.want(t, "run")
			return nil
		})},
	{21, "if what is shielded is canceled, so is the shield", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := corolla.NewFuture[int](task.Loop())
			shield := corolla.Shield(f)
			f.Cancel(nil)
			if _, err := shield.Await(task); !errors.Is(err, corolla.ErrCanceled) || !shield.Canceled() {
				t.Errorf("Await = %v", err)
			}
			return nil
		})},
	{22, "a timeout of 0 never starts the task; a settled future gives its result", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := corolla.Go(task.Loop(), func(*corolla.Task) (int, error) { t.Error("it ran"); return 0, nil })
			if _, err := f.AwaitTimeout(task, 0); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("AwaitTimeout = %v", err)
			}
			done := corolla.NewFuture[int](task.Loop())
			_ = done.Resolve(5)
			if v, err := done.AwaitTimeout(task, 0); v != 5 || err != nil {
				t.Errorf("AwaitTimeout = %v, %v", v, err)
			}
			return nil
		})},
	{23, "a task that returns a value though the timeout canceled it: the value is the result", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) { _ = forever(task); return 9, nil })
			if v, err := f.AwaitTimeout(task, time.Millisecond); v != 9 || err != nil {
				t.Errorf("AwaitTimeout = %v, %v", v, err)
			}
			return nil
		})},
	{24, "FirstError does not mind canceled futures", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			l := task.Loop()
			a, b, c := corolla.NewFuture[int](l), corolla.NewFuture[int](l), corolla.NewFuture[int](l)
			a.Cancel(nil)
			l.After(time.Millisecond, func() { _ = b.Fail(errors.New("bad")) })
			done, pending, err := corolla.Wait(task, corolla.FirstError, a, b, c)
			if err != nil || len(done) != 2 || done[1] != b || len(pending) != 1 || pending[0] != c {
				t.Errorf("Wait = %v, %v, %v", done, pending, err)
			}
			_, _ = b.Result()
			return c.Resolve(1)
		})},
}

var scopeRules = []rule{
	{25, "of nested timeouts only the expired one becomes a TimeoutError", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			err := task.Timeout(2*time.Millisecond, func(*corolla.Scope) error {
				err := task.Timeout(time.Hour, func(*corolla.Scope) error { return forever(task) })
				if !errors.Is(err, corolla.ErrCanceled) || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the inner returns %v", err)
				}
				return err
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) || timeout.After != 2*time.Millisecond {
				t.Errorf("the outer returns %v", err)
			}
			return nil
		})},
	{26, "a timeout of 0 fires only where something waits", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			if err := task.Timeout(0, func(*corolla.Scope) error { tr.add("ran"); return nil }); err != nil {
				t.Errorf("without a wait: %v", err)
			}
			if err := task.Timeout(0, func(*corolla.Scope) error { return task.Yield() }); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("with one: %v", err)
			}
			tr.want(t, "ran")
			return nil
		})},
	{27, "a cancel besides the timeout's own leaves a cancel, not a timeout", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := task.Loop().Go(func(task *corolla.Task) error {
				return task.Timeout(time.Millisecond, func(*corolla.Scope) error {
					err := forever(task) // the timeout
					task.Cancel(nil)
					return err
				})
			})
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Await = %v", err)
			}
			return nil
		})},
	{28, "a group that fails cancels its owner inside, and leaves it as it was", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			bad := errors.New("bad")
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(*corolla.Task) error { return bad })
				err := forever(task)
				if !errors.Is(err, corolla.ErrCanceled) || !errors.Is(task.Scope().Err(), context.Canceled) {
					t.Errorf("inside: %v, %v", err, task.Scope().Err())
				}
				return err
			})
			if err == nil || !errors.Is(err, bad) || errors.Is(err, corolla.ErrCanceled) || task.Err() != nil {
				t.Errorf("outside: %v, %v", err, task.Err())
			}
			return task.Yield()
		})},
	{29, "a child that is canceled is no error of its group", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			return task.Group(func(g *corolla.Group) error {
				f := g.Go(forever)
				if err := task.Yield(); err != nil {
					return err
				}
				f.Cancel(nil)
				return nil
			})
		})},
	{30, "no task starts in a group that is over or being canceled", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			var group *corolla.Group
			never := func(*corolla.Task) error { t.Error("it ran"); return nil }
			if err := task.Group(func(g *corolla.Group) error {
				group = g
				g.Cancel(nil)
				if _, err := g.Go(never).Result(); !errors.Is(err, corolla.ErrGroupOver) {
					t.Errorf("in a canceled group: %v", err)
				}
				return nil
			}); err != nil {
				t.Errorf("Group = %v", err)
			}
			if _, err := group.Go(never).Result(); !errors.Is(err, corolla.ErrGroupOver) {
				t.Errorf("in a group that is over: %v", err)
			}
			return nil
		})},
	{31, "a group waits also for children that are added while it exits", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			if err := task.Group(func(g *corolla.Group) error {
				g.Go(func(task *corolla.Task) error {
					if err := turns(task, 3); err != nil { // the body has returned by now
						return err
					}
					g.Go(func(task *corolla.Task) error { defer tr.add("grandchild"); return turns(task, 3) })
					tr.add("child")
					return nil
				})
				return nil
			}); err != nil {
				return err
			}
			tr.add("group")
			tr.want(t, "child grandchild group")
			return nil
		})},
}

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
