package twisted

import (
	"errors"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

func laterZero(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		l.After(10*ms, func() {
			r.Say("first")
			l.After(0, func() {
				r.Say("set by first")
				l.After(0, func() { r.Say("set by that") })
			})
		})
		l.After(10*ms, func() { r.Say("second") })
		return t.Sleep(20 * ms)
	})
}

func timerReset(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		calls := map[string]*corolla.Timer{}
		names := strings.Fields("a b c d e")
		for _, name := range names {
			calls[name] = l.After(50*ms, func() { r.Say("%s", name) })
		}
		active := func() {
			each := make([]string, len(names))
			for i, name := range names {
				each[i] = yes(calls[name].Active())
			}
			r.Say("active: %s", strings.Join(each, " "))
		}
		_ = t.Sleep(20 * ms)
		calls["a"].Reset(50 * ms)
		calls["b"].Reset(calls["b"].When() + 50*ms - l.Now())
		calls["c"].Reset(calls["c"].When() - 20*ms - l.Now())
		calls["d"].Reset(1 * ms)
		calls["e"].Stop()
		active()
		_ = t.Sleep(100 * ms)
		active()
		return nil
	})
}

func timerMisuse(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		called := l.After(10*ms, func() { r.Say("called") })
		canceled := l.After(10*ms, func() { r.Say("canceled") })
		stop := func(timer *corolla.Timer) func() error {
			return func() error { timer.Stop(); return nil }
		}
		reset := func(timer *corolla.Timer) func() error {
			return func() error { timer.Reset(10 * ms); return nil }
		}
		attempt(r, "cancel", stop(canceled))
		attempt(r, "cancel again", stop(canceled))
		attempt(r, "reset what is canceled", reset(canceled))
		_ = t.Sleep(20 * ms)
		attempt(r, "cancel what was called", stop(called))
		attempt(r, "reset what was called", reset(called))
		attempt(r, "negative delay", func() error { l.After(-1000*ms, func() { r.Say("negative") }); return nil })
		_ = t.Sleep(20 * ms)
		r.Say("end")
		return nil
	})
}

func laterRaises(r *scenario.Run) {
	l := r.Loop(logs(r))
	_ = l.Run(func(t *corolla.Task) error {
		l.After(10*ms, func() {
			r.Say("raises")
			panic(errBoom)
		})
		l.After(10*ms, func() { r.Say("another at the same time") })
		_ = t.Sleep(20 * ms)
		r.Say("end")
		return nil
	})
}

func laterCanceled(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		later := func(name string, f func() (string, error)) *text {
			return deferred.Later(t.Loop(), 10*ms, f).AddBoth(end[string](r, name))
		}
		work := func(name string) func() (string, error) {
			return func() (string, error) {
				r.Say("%s is called", name)
				return name + "'s result", nil
			}
		}
		later("a", work("a"))
		b := later("b", work("b"))
		later("c", func() (string, error) { return "", errBoom })
		b.Cancel(nil)
		_ = t.Sleep(20 * ms)
		r.Say("end")
		return nil
	})
}

// steps are work for a Cooperator: n steps, of which the first waits, and an error.
func steps(r *scenario.Run, name string, n int, wait deferred.Any, err error) deferred.Steps {
	return func(yield func(deferred.Any, error) bool) {
		for i := range n {
			r.Say("%s%d", name, i)
			if i > 0 {
				wait = nil
			}
			if !yield(wait, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func cooperatorTurns(r *scenario.Run) {
	refused := func(name string, f func() error) {
		if err := f(); err != nil {
			r.Say("%s: %s", name, word(err))
		}
	}
	r.Main(func(t *corolla.Task) error {
		done := func(name string, d *deferred.Deferred[struct{}]) {
			d.AddBoth(func(v struct{}, err error) (struct{}, error) {
				if err != nil {
					r.Say("%s: failed: %s", name, word(err))
				} else {
					r.Say("%s is done", name)
				}
				return v, nil
			})
		}
		cooperator := deferred.NewCooperator(t.Loop())
		a := cooperator.Cooperate(steps(r, "a", 3, nil, nil))
		b := cooperator.Cooperate(steps(r, "b", 3, nil, nil))
		done("a", a.WhenDone())
		done("b", b.WhenDone())
		_ = t.Sleep(100 * ms)
		refused("pause a", a.Pause)

		c := cooperator.Cooperate(steps(r, "c", 2, nil, nil))
		done("c", c.WhenDone())
		_ = c.Pause()
		d := cooperator.Cooperate(steps(r, "d", 2, nil, nil))
		done("d", d.WhenDone())
		_ = d.Stop()
		refused("stop d", d.Stop)
		_ = t.Sleep(100 * ms)
		r.Say("resume c")
		_ = c.Resume()
		_ = t.Sleep(100 * ms)

		cooperator, gate := deferred.NewCooperator(t.Loop()), deferred.New[string](t.Loop())
		done("e", cooperator.Coiterate(steps(r, "e", 2, gate, nil)))
		done("f", cooperator.Coiterate(steps(r, "f", 2, nil, errors.New("boom"))))
		_ = t.Sleep(100 * ms)
		r.Say("open")
		_ = gate.Callback("")
		return t.Sleep(100 * ms)
	})
}
