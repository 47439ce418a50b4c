package asyncio

import (
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

// sleeper is a task that says when it has slept, and results in its name.
func sleeper(r *scenario.Run, l *corolla.Loop, name string, d time.Duration) *corolla.Future[string] {
	return corolla.Go(l, func(t *corolla.Task) (string, error) {
		if err := t.Sleep(d); err != nil {
			return "", err
		}
		if name == "bad" {
			return "", errBad
		}
		r.Say("%s ends", name)
		return name, nil
	})
}

func gatherOrder(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		a, b := sleeper(r, l, "a", 30*ms), sleeper(r, l, "b", 10*ms)
		names, err := corolla.All(l, a, b, a).Await(t)
		r.Say("%s", outcome(strings.Join(names, " "), err))
		none, err := corolla.All[string](l).Await(t)
		r.Say("of none: %s", outcome(len(none), err))
		return nil
	})
}

func gatherError(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		_, err := corolla.All(l, sleeper(r, l, "a", 30*ms), sleeper(r, l, "bad", 10*ms), sleeper(r, l, "b", 20*ms)).Await(t)
		r.Say("%s", word(err))
		_ = t.Sleep(40 * ms)
		results, err := corolla.Collect(l, sleeper(r, l, "a", 30*ms), sleeper(r, l, "bad", 10*ms)).Await(t)
		var words []string
		for _, result := range results {
			words = append(words, outcome(result.Value, result.Err))
		}
		r.Say("%s", outcome(strings.Join(words, " "), err))
		return nil
	})
}

func gatherChildCanceled(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		a, b := sleeper(r, l, "a", 20*ms), sleeper(r, l, "b", 20*ms)
		both := corolla.All(l, a, b)
		_ = t.Sleep(10 * ms)
		a.Cancel(nil)
		_, err := both.Await(t)
		r.Say("%s", word(err))
		r.Say("%s", outcome(b.Await(t)))
		return nil
	})
}

func gatherCancel(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		slow := func(name string, d time.Duration) *corolla.Future[struct{}] {
			return l.Go(func(t *corolla.Task) error {
				defer t.Shielded(func(*corolla.Scope) error {
					r.Say("%s is canceled", name)
					err := t.Sleep(d)
					r.Say("%s ends", name)
					return err
				})
				return t.Sleep(10_000 * ms)
			})
		}
		both := corolla.Collect(l, slow("a", 20*ms), slow("b", 10*ms))
		_ = t.Sleep(10 * ms)
		both.Cancel(nil)
		_, err := both.Await(t)
		r.Say("%s", word(err))
		return nil
	})
}

func shieldOuter(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		inner := corolla.Go(t.Loop(), func(t *corolla.Task) (string, error) {
			err := t.Sleep(30 * ms)
			r.Say("work ends")
			return "value", err
		})
		outer := t.Loop().Go(func(t *corolla.Task) error {
			r.Say("shield: %s", outcome(corolla.Shield(inner).Await(t)))
			return nil
		})
		_ = t.Sleep(10 * ms)
		outer.Cancel(nil)
		r.Say("outer: %s", outcome(outer.Await(t)))
		r.Say("inner: %s", outcome(inner.Await(t)))
		return nil
	})
}

func shieldInner(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		work := func(t *corolla.Task) error {
			if err := t.Sleep(20 * ms); err != nil {
				return err
			}
			return errBad
		}
		inner := t.Loop().Go(work)
		shield := corolla.Shield(inner)
		_ = t.Sleep(10 * ms)
		inner.Cancel(nil)
		got := outcome(shield.Await(t))
		r.Say("shield: %s, canceled %s", got, yes(shield.Canceled()))
		r.Say("shield of an error: %s", outcome(corolla.Shield(t.Loop().Go(work)).Await(t)))
		return nil
	})
}

func waitFirstError(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		sleep := func(d time.Duration, result error) *corolla.Future[struct{}] {
			return l.Go(func(t *corolla.Task) error {
				if err := t.Sleep(d); err != nil {
					return err
				}
				return result
			})
		}
		for _, until := range []corolla.Until{corolla.FirstDone, corolla.FirstError, corolla.AllDone} {
			tasks := []*corolla.Future[struct{}]{sleep(30*ms, nil), sleep(20*ms, errBad), sleep(10*ms, nil)}
			l.After(5*ms, func() { tasks[2].Cancel(nil) })
			done, pending, err := corolla.Wait(t, until, tasks...)
			r.Say("done %s, pending %d", outcome(len(done), err), len(pending))
			_, _, _ = corolla.Wait(t, corolla.AllDone, tasks...)
		}
		return nil
	})
}

func waitTimeout(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		a, b := sleeper(r, l, "a", 10*ms), sleeper(r, l, "b", 30*ms)
		var done, pending []*corolla.Future[string]
		_ = t.Timeout(20*ms, func(*corolla.Scope) (err error) {
			done, pending, err = corolla.Wait(t, corolla.AllDone, a, b)
			return err
		})
		r.Say("done %d, pending %d", len(done), len(pending))
		done, pending, err := corolla.Wait(t, corolla.AllDone, a, b)
		r.Say("done %s, pending %s", outcome(len(done), err), strconv.Itoa(len(pending)))
		_, _, err = corolla.Wait[string](t, corolla.AllDone)
		r.Say("of nothing: %s", refused(err))
		return nil
	})
}

func asCompleted(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		after := func(name string, d time.Duration) *corolla.Future[string] {
			return corolla.Go(t.Loop(), func(t *corolla.Task) (string, error) {
				if err := t.Sleep(d); err != nil || name == "b" {
					return "", errBad
				}
				return name, nil
			})
		}
		for f := range corolla.AsCompleted(t, after("c", 30*ms)) {
			r.Say("%s", outcome(f.Result()))
		}
		for f := range corolla.AsCompleted(t, after("a", 30*ms), after("b", 10*ms), after("c", 20*ms)) {
			r.Say("%s", outcome(f.Result()))
		}
		return nil
	})
}
