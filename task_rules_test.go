package corolla_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

var taskRules = []rule{
	{8, "settling a future runs no callback at once; they run in the order of registration", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			for _, settle := range []func(f *corolla.Future[int]){
				func(f *corolla.Future[int]) { _ = f.Resolve(1) },
				func(f *corolla.Future[int]) { _ = f.Fail(errors.New("bad")) },
				func(f *corolla.Future[int]) { f.Cancel(nil) },
			} {
				f := corolla.NewFuture[int](task.Loop())
				f.OnDone(func(f *corolla.Future[int]) { tr.add("one"); _, _ = f.Result() })
				task.Loop().Go(func(task *corolla.Task) error { _, _ = f.Await(task); tr.add("two"); return nil }, corolla.Eager())
				f.OnDone(func(*corolla.Future[int]) { tr.add("three") })
				settle(f)
				tr.add("settled")
				if err := turns(task, 2); err != nil {
					return err
				}
				tr.want(t, "settled one two three")
			}
			return nil
		})},
	{9, "a callback of a settled future is called later; removing it says whether it was there", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			f := corolla.NewFuture[int](task.Loop())
			stop := f.OnDone(func(*corolla.Future[int]) { tr.add("removed") })
			if !stop() || stop() {
				t.Error("stop is true once, then false")
			}
			_ = f.Resolve(1)
			f.OnDone(func(*corolla.Future[int]) { tr.add("called") })
			stop = f.OnDone(func(*corolla.Future[int]) { tr.add("removed") })
			tr.add("registered")
			if !stop() {
				t.Error("a callback that has not run can be stopped")
			}
			if err := turns(task, 2); err != nil {
				return err
			}
			tr.want(t, "registered called")
			return nil
		})},
	{10, "canceling a task that awaits a future cancels the future at once, the task later", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			inner := corolla.NewFuture[int](task.Loop())
			f := task.Loop().Go(func(task *corolla.Task) error { _, err := inner.Await(task); return err }, corolla.Eager())
			if !f.Cancel(nil) || !inner.Canceled() || f.Canceled() || f.Done() {
				t.Errorf("inner canceled: %v, task canceled: %v", inner.Canceled(), f.Canceled())
			}
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || !f.Canceled() {
				t.Errorf("then: %v", err)
			}
			return nil
		})},
	{11, "a task canceled before its first step never runs its body", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := task.Loop().Go(func(*corolla.Task) error { t.Error("it ran"); return nil })
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Await = %v", err)
			}
			return nil
		})},
	{12, "a future settled, then the task canceled before it wakes: the cancel wins", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			inner := corolla.NewFuture[int](task.Loop())
			f := task.Loop().Go(func(task *corolla.Task) error { _, err := inner.Await(task); return err }, corolla.Eager())
			_ = inner.Resolve(7)
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Await = %v", err)
			}
			if v, err := inner.Result(); v != 7 || err != nil {
				t.Errorf("the future's result is lost: %v, %v", v, err)
			}
			return nil
		})},
	{13, "a task that cancels itself and returns without waiting ends canceled", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) { task.Cancel(nil); return 1, nil })
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || !f.Canceled() {
				t.Errorf("Await = %v", err)
			}
			return nil
		})},
	{14, "a task that was told of the cancel and returns a value is not canceled", inTask(
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) {
				if err := forever(task); !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("Park = %v", err)
				}
				if task.Err() != context.Canceled { // it stays so: differences 3
					t.Errorf("Err = %v", task.Err())
				}
				return 7, nil
			}, corolla.Eager())
			f.Cancel(nil)
			if v, err := f.Await(task); v != 7 || err != nil || f.Canceled() {
				t.Errorf("Await = %v, %v", v, err)
			}
			return nil
		})},
	{15, "canceling a task that awaits a task cancels that one", inTask(
		func(t *testing.T, task *corolla.Task, tr *trace) error {
			l := task.Loop()
			b := l.Go(func(task *corolla.Task) error { defer tr.add("b"); return forever(task) }, corolla.Eager())
			a := l.Go(func(task *corolla.Task) error { defer tr.add("a"); _, err := b.Await(task); return err }, corolla.Eager())
			a.Cancel(errors.New("why"))
			if _, err := a.Await(task); !errors.Is(err, corolla.ErrCanceled) || !b.Canceled() {
				t.Errorf("Await = %v, b canceled: %v", err, b.Canceled())
			}
			tr.want(t, "b a")
			return nil
		})},
	{16, "awaiting oneself, or a future of another loop, is an error in the task", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		other := newLoop()
		defer other.Close()
		foreign := corolla.NewFuture[int](other)
		run(t, l, func(task *corolla.Task) error {
			var self *corolla.Future[struct{}]
			self = l.Go(func(task *corolla.Task) error { _, err := self.Await(task); return err })
			if _, err := self.Await(task); err == nil || !strings.Contains(err.Error(), "awaits itself") {
				t.Errorf("awaiting oneself: %v", err)
			}
			if _, err := foreign.Await(task); err == nil || !strings.Contains(err.Error(), "another loop") {
				t.Errorf("awaiting a future of another loop: %v", err)
			}
			return nil
		})
	}},
	{17, "a future cannot be failed with what means no failure", inTask(
		// In Python that is StopIteration, in Go a nil error.
		func(t *testing.T, task *corolla.Task, _ *trace) error {
			f := corolla.NewFuture[int](task.Loop())
			if text := panicText(t, func() { _ = f.Fail(nil) }); !strings.Contains(text, "use Resolve") || f.Done() {
				t.Errorf("Fail(nil) panicked with %q", text)
			}
			return nil
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
