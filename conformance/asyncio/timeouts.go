package asyncio

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func waitForZero(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		never := l.Go(func(*corolla.Task) error { r.Say("never"); return nil })
		r.Say("a coroutine: %s", outcome(never.AwaitTimeout(t, 0)))
		f := corolla.NewFuture[int](l)
		got := outcome(f.AwaitTimeout(t, 0))
		r.Say("a pending future: %s, then %s", got, outcome(f.Await(t)))
		f = corolla.NewFuture[int](l)
		_ = f.Resolve(7)
		r.Say("a settled future: %s", outcome(f.AwaitTimeout(t, 0)))
		return nil
	})
}

func waitForSuppressed(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		work := func(how string) *corolla.Future[string] {
			return corolla.Go(t.Loop(), func(t *corolla.Task) (string, error) {
				err := t.Sleep(10_000 * ms)
				r.Say("%s: %s", how, word(err))
				_ = t.Shielded(func(*corolla.Scope) error { return t.Sleep(20 * ms) })
				switch how {
				case "value":
					return "late value", nil
				case "error":
					return "", errors.New("late error")
				}
				return "", err
			})
		}
		for _, how := range []string{"value", "error", "cancel"} {
			r.Say("%s", outcome(work(how).AwaitTimeout(t, 10*ms)))
		}
		return nil
	})
}

func timeoutNested(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		nested := func(outer, inner time.Duration) error {
			return t.Timeout(outer, func(*corolla.Scope) error {
				err := t.Timeout(inner, func(*corolla.Scope) error { return t.Sleep(10_000 * ms) })
				r.Say("inner: %s", word(err))
				return err
			})
		}
		r.Say("outer: %s", word(nested(10*ms, 20*ms)))
		r.Say("outer: %s", word(nested(20*ms, 10*ms)))
		return nil
	})
}

func timeoutZero(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		within := func(d time.Duration, waits bool) error {
			return t.Timeout(d, func(*corolla.Scope) error {
				r.Say("begin")
				if waits {
					if err := t.Sleep(10 * ms); err != nil {
						return err
					}
				}
				r.Say("end")
				return nil
			})
		}
		r.Say("%s", word(within(0, false)))
		r.Say("%s", word(within(0, true)))
		r.Say("%s", word(within(10*ms, false)))
		return nil
	})
}

func timeoutAndCancel(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		task := t.Loop().Go(func(t *corolla.Task) error {
			err := t.Timeout(10*ms, func(*corolla.Scope) error {
				err := t.Sleep(10_000 * ms)
				r.Say("time is up")
				t.Cancel(nil)
				return err
			})
			r.Say("%s", word(err))
			return err
		})
		r.Say("task: %s", outcome(task.Await(t)))
		return nil
	})
}

func timeoutReschedule(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		r.Say("%s", word(t.Timeout(10*ms, func(s *corolla.Scope) error {
			s.SetTimeout(30 * ms)
			if err := t.Sleep(20 * ms); err != nil {
				return err
			}
			r.Say("not yet")
			return t.Sleep(10_000 * ms)
		})))
		r.Say("%s", word(t.Timeout(10*ms, func(s *corolla.Scope) error {
			s.SetDeadline(-1)
			err := t.Sleep(20 * ms)
			r.Say("never")
			return err
		})))
		return nil
	})
}
