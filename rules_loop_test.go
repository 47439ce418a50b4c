package corolla_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

var loopRules = []rule{
	{1, "a callback added during a turn runs in the next, after another poll", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		arrived(t, l, a, b) // so that b's callback is ready as soon as it is set
		var tr trace
		b.OnReadable(func() { tr.add("event"); b.OnReadable(nil) })
		l.Soon(func() {
			tr.add("first")
			l.Soon(func() { tr.add("added"); l.Stop() })
		})
		l.Soon(func() { tr.add("second") })
		mustRunForever(t, l)
		tr.want(t, "event first second added")
	}},
	{2, "already ready, then events, then due timers", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		// A byte on a Unix socket has arrived when it was written; on a simulated one it
		// takes its time, and the callback below tries until it is fast enough.
		a, b := socketPairOn(t, l, "unix", filepath.Join(t.TempDir(), "s"))
		defer closeAll(t, a, b)
		var tr trace
		read := false
		b.OnReadable(func() {
			_, _ = b.TryRead(make([]byte, 1))
			tr.add("event")
			l.Stop()
		})
		var turn func()
		turn = func() {
			if read {
				return
			}
			tr.Reset()
			tr.add("soon")
			l.After(0, func() { tr.add("timer") })
			l.Soon(turn)
		}
		l.Soon(func() {
			if _, err := a.TryWrite([]byte("x")); err != nil {
				t.Error(err)
			}
			l.After(0, func() { tr.add("timer") })
			l.Soon(turn)
		})
		mustRunForever(t, l)
		tr.want(t, "soon event timer")
		for read = true; l.Stats().Timers > 0; { // what turn has set
			l.Stop()
			mustRunForever(t, l)
		}
	}},
	{3, "a timer for now that was set before a Soon runs after it", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		l.After(0, func() { tr.add("timer"); l.Stop() })
		l.Soon(func() { tr.add("soon") })
		mustRunForever(t, l)
		tr.want(t, "soon timer")
	}},
	{4, "a callback canceled by an earlier one of its batch does not run", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		var h corolla.Handle
		l.Soon(func() { tr.add("a"); h.Cancel() })
		h = l.Soon(func() { tr.add("canceled") })
		l.Soon(func() { tr.add("b"); l.Stop() })
		mustRunForever(t, l)
		tr.want(t, "a b")
	}},
	{5, "a callback that panics does not stop the rest of its batch", func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var tr trace
		l.Soon(func() { panic("boom") })
		l.Soon(func() { tr.add("rest"); l.Stop() })
		mustRunForever(t, l)
		tr.want(t, "rest")
		if len(log.errs) != 1 {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	}},
	{6, "the poll does not wait when anything is ready or the loop is stopping", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		late := l.After(time.Hour, func() { t.Error("waited for an hour") })
		defer late.Stop()
		l.Soon(func() {
			l.Soon(l.Stop)
		})
		mustRunForever(t, l)
		l.Stop()
		mustRunForever(t, l)
	}},
	{7, "a reader that is ready but has not run does not run once removed or replaced", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		arrived(t, l, a, b)
		var tr trace
		l.Soon(func() { b.OnReadable(func() { tr.add("new"); b.OnReadable(nil); l.Stop() }) })
		b.OnReadable(func() { tr.add("old") })
		mustRunForever(t, l)
		tr.want(t, "new")
	}},
}

// arrived sends a byte from a to b and waits for it.
func arrived(t *testing.T, l *corolla.Loop, a, b *corolla.Socket) {
	t.Helper()
	if _, err := a.TryWrite([]byte("x")); err != nil {
		t.Fatal(err)
	}
	run(t, l, func(task *corolla.Task) error { return b.WaitReadable(task) })
}

func mustRunForever(t *testing.T, l *corolla.Loop) {
	t.Helper()
	if err := l.RunForever(); err != nil {
		t.Fatal(err)
	}
}

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
