package asyncio

import (
	"runtime"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func taskStart(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		step := func(name string) func(t *corolla.Task) (string, error) {
			return func(t *corolla.Task) (string, error) {
				r.Say("%s begins", name)
				err := t.Yield()
				r.Say("%s ends", name)
				return name, err
			}
		}
		l.Soon(func() { r.Say("ready before") })
		a, b := corolla.Go(l, step("a")), corolla.Go(l, step("b"))
		l.Soon(func() { r.Say("ready after") })
		r.Say("started")
		r.Say("%s", outcome(b.Await(t)))
		r.Say("%s", outcome(a.Await(t)))
		return nil
	})
}

func taskCancelAwait(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		f := corolla.NewFuture[int](t.Loop())
		task := t.Loop().Go(func(t *corolla.Task) error {
			_, err := f.Await(t)
			r.Say("awaited: %s", word(err))
			return err
		})
		_ = t.Yield()
		r.Say("cancel: %s", yes(task.Cancel(nil)))
		r.Say("future canceled %s, task canceled %s", yes(f.Canceled()), yes(task.Canceled()))
		_, err := task.Await(t)
		r.Say("task: %s, canceled %s", word(err), yes(task.Canceled()))
		r.Say("cancel again: %s", yes(task.Cancel(nil)))
		return nil
	})
}

func taskCancelUnstarted(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		task := t.Loop().Go(func(*corolla.Task) error { r.Say("never"); return nil })
		task.Cancel(nil)
		r.Say("canceled at once: %s", yes(task.Canceled()))
		r.Say("task: %s", outcome(task.Await(t)))
		return nil
	})
}

func taskCancelWins(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		f := corolla.NewFuture[int](t.Loop())
		task := corolla.Go(t.Loop(), f.Await)
		_ = t.Yield()
		_ = f.Resolve(7)
		task.Cancel(nil)
		r.Say("task: %s", outcome(task.Await(t)))
		r.Say("future: %s", outcome(f.Await(t)))
		return nil
	})
}

func taskCancelSelf(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		task := corolla.Go(t.Loop(), func(t *corolla.Task) (string, error) {
			t.Cancel(nil)
			r.Say("canceled itself")
			return "value", nil
		})
		got := outcome(task.Await(t))
		r.Say("task: %s, canceled %s", got, yes(task.Canceled()))
		return nil
	})
}

func taskCancelCaught(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		task := corolla.Go(t.Loop(), func(t *corolla.Task) (string, error) {
			if t.Sleep(10_000*ms) != nil {
				r.Say("caught")
			}
			r.Say("asked to stop: %s", yes(t.Err() != nil))
			return "value", nil
		})
		_ = t.Sleep(10 * ms)
		task.Cancel(nil)
		got := outcome(task.Await(t))
		r.Say("task: %s, canceled %s", got, yes(task.Canceled()))
		return nil
	})
}

func taskCancelSwallowed(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		task := t.Loop().Go(func(t *corolla.Task) error {
			for _, what := range []string{"first", "second", "third"} {
				r.Say("%s sleep: %s", what, word(t.Sleep(30*ms)))
			}
			return nil
		})
		_ = t.Sleep(10 * ms)
		task.Cancel(nil)
		_ = t.Sleep(40 * ms)
		task.Cancel(nil)
		r.Say("task: %s", outcome(task.Await(t)))
		return nil
	})
}

func taskCancelCleanup(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		task := t.Loop().Go(func(t *corolla.Task) error {
			defer t.Shielded(func(*corolla.Scope) error {
				r.Say("cleanup begins")
				err := t.Sleep(20 * ms)
				r.Say("cleanup ends")
				return err
			})
			return t.Sleep(10_000 * ms)
		})
		_ = t.Sleep(10 * ms)
		task.Cancel(nil)
		r.Say("task: %s", outcome(task.Await(t)))
		return nil
	})
}

func taskCancelChain(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		link := func(name string, wait func(*corolla.Task) error) *corolla.Future[struct{}] {
			return t.Loop().Go(func(t *corolla.Task) error {
				defer r.Say("%s ends", name)
				return wait(t)
			})
		}
		await := func(f *corolla.Future[struct{}]) func(*corolla.Task) error {
			return func(t *corolla.Task) error { _, err := f.Await(t); return err }
		}
		c := link("c", func(t *corolla.Task) error { return t.Sleep(10_000 * ms) })
		b := link("b", await(c))
		a := link("a", await(b))
		_ = t.Sleep(10 * ms)
		a.Cancel(nil)
		r.Say("a: %s", outcome(a.Await(t)))
		r.Say("b: %s", outcome(b.Await(t)))
		r.Say("c: %s", outcome(c.Await(t)))
		return nil
	})
}

func taskAwaitWrong(r *scenario.Run) {
	other := r.Other()
	foreign := corolla.NewFuture[int](other)
	r.Main(func(t *corolla.Task) error {
		var task *corolla.Future[struct{}]
		task = t.Loop().Go(func(t *corolla.Task) error {
			_, err := task.Await(t)
			r.Say("itself: %s", refused(err))
			return nil
		})
		_, _ = task.Await(t)
		_, err := foreign.Await(t)
		r.Say("a future of another loop: %s", refused(err))
		return nil
	})
	_ = other.Close()
}

func taskForgotten(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		t.Loop().Go(func(t *corolla.Task) error {
			defer r.Say("is ended")
			r.Say("begins")
			_, err := corolla.NewFuture[int](t.Loop()).Await(t)
			return err
		})
		_ = t.Sleep(10 * ms)
		runtime.GC()
		r.Say("garbage is collected")
		_ = t.Sleep(10 * ms)
		r.Say("main ends")
		return nil
	})
}
