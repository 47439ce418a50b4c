package corolla_test

import (
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
