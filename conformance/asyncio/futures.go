package asyncio

import (
	"errors"
	"runtime"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func futureCallbacks(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		for _, settle := range []string{"value", "error", "cancel"} {
			f := corolla.NewFuture[int](l)
			f.OnDone(func(*corolla.Future[int]) { r.Say("first") })
			waiter := l.Go(func(t *corolla.Task) error {
				r.Say("second: %s", outcome(f.Await(t)))
				return nil
			})
			_ = t.Yield()
			f.OnDone(func(*corolla.Future[int]) { r.Say("third") })
			switch settle {
			case "value":
				_ = f.Resolve(1)
			case "error":
				_ = f.Fail(errBad)
			case "cancel":
				f.Cancel(nil)
			}
			r.Say("settled: %s", settle)
			_, _ = waiter.Await(t)
		}
		return nil
	})
}

func futureDoneCallback(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		f := corolla.NewFuture[int](t.Loop())
		remove := f.OnDone(func(*corolla.Future[int]) { r.Say("removed callback") })
		r.Say("removed: %s", yes(remove()))
		r.Say("removed: %s", yes(remove()))
		_ = f.Resolve(7)
		f.OnDone(func(f *corolla.Future[int]) { r.Say("called with %s", outcome(f.Result())) })
		r.Say("registered")
		_ = t.Sleep(10 * ms)
		r.Say("end")
		return nil
	})
}

func futureStates(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		f := corolla.NewFuture[int](t.Loop())
		_, err := f.Result()
		r.Say("result while pending: %s", refused(err))
		r.Say("done %s, canceled %s", yes(f.Done()), yes(f.Canceled()))
		_ = f.Resolve(1)
		r.Say("second result: %s", refused(f.Resolve(2)))
		r.Say("error after the result: %s", refused(f.Fail(errBad)))
		r.Say("cancel after the result: %s", yes(f.Cancel(nil)))
		r.Say("result: %s", outcome(f.Result()))
		f = corolla.NewFuture[int](t.Loop())
		r.Say("cancel: %s", yes(f.Cancel(nil)))
		r.Say("cancel again: %s", yes(f.Cancel(nil)))
		r.Say("result after the cancel: %s", refused(f.Resolve(3)))
		r.Say("done %s, canceled %s", yes(f.Done()), yes(f.Canceled()))
		return nil
	})
}

func futureUnseen(r *scenario.Run) {
	l := r.Loop(corolla.ErrorHandler(func(err error) {
		var unseen *corolla.UnseenError
		if errors.As(err, &unseen) {
			r.Say("unseen: %s", word(unseen.Err))
		}
	}))
	_ = l.Run(func(t *corolla.Task) error {
		lost := corolla.NewFuture[int](l)
		_ = lost.Fail(errors.New("lost"))
		f := corolla.NewFuture[int](l)
		_ = f.Fail(errors.New("seen"))
		_, err := f.Result()
		r.Say("looked at: %s", word(err))
		_ = t.Sleep(10 * ms)
		r.Say("end")
		runtime.KeepAlive(lost) // so that the garbage collector does not find it before
		return nil
	})
	_ = l.Close()
}

func futureNoFailure(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		f := corolla.NewFuture[int](t.Loop())
		r.Say("%s", refused(try(func() { _ = f.Fail(nil) })))
		r.Say("done %s", yes(f.Done()))
		_ = f.Fail(errBad)
		r.Say("%s", outcome(f.Await(t)))
		return nil
	})
}
