package twisted

import (
	"errors"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

func louder(v string) (string, error) { return v + "!", nil }

func callbackAtOnce(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		d := deferred.Succeed(l, "one")
		d.AddBoth(show[string](r, "first"))
		r.Say("added")
		d.AddCallback(louder).AddBoth(show[string](r, "second"))
		pending := deferred.New[string](l)
		pending.AddBoth(show[string](r, "pending")).AddCallback(louder).AddBoth(show[string](r, "then"))
		r.Say("not yet")
		_ = pending.Callback("two")
		r.Say("fired")
		deferred.Fail[string](l, errors.New("bad")).AddBoth(end[string](r, "failed"))
	})
}

func pairError(r *scenario.Run) {
	boom := func(string) (string, error) {
		r.Say("callback raises")
		return "", errBoom
	}
	own := func(error) (string, error) {
		r.Say("own errback")
		return "wrong", nil
	}
	recovers := func(err error) (string, error) {
		r.Say("next errback: %v", err)
		return "recovered", nil
	}
	passed := func(v string) (string, error) {
		r.Say("callback beside the next errback")
		return v, nil
	}
	body(r, func(l *corolla.Loop) {
		d := deferred.Succeed(l, "one")
		d.AddCallbacks(boom, own)
		d.AddCallbacks(passed, recovers)
		d.AddCallback(func(v string) (string, error) { return v + " again", nil })
		d.AddErrback(own)
		d.AddBoth(show[string](r, "end"))
		d.AddCallback(boom).AddCallback(passed).AddErrback(recovers).AddBoth(end[string](r, "end"))
	})
}

func innerDeferred(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		inner := deferred.New[string](l)
		for _, name := range []string{"a", "b"} {
			d := deferred.Succeed(l, name)
			d.AddBoth(show[string](r, name))
			d.ChainCallback(waiting(inner))
			d.AddBoth(show[string](r, name+" then"))
		}
		r.Say("both wait")
		_ = inner.Callback("inner's")
		inner.AddBoth(end[string](r, "inner"))

		fired := deferred.Succeed(l, "fired")
		deferred.Succeed(l, "c").ChainCallback(waiting(fired)).AddBoth(end[string](r, "c"))
		fired.AddBoth(end[string](r, "fired"))

		failing := deferred.New[string](l)
		deferred.Succeed(l, "d").ChainCallback(waiting(failing)).AddBoth(end[string](r, "d"))
		_ = failing.Errback(errBoom)
		failing.AddBoth(end[string](r, "failing"))

		late := deferred.New[string](l)
		d := deferred.New[string](l).ChainErrback(func(error) *text { return late }).AddBoth(end[string](r, "e"))
		_ = d.Errback(errBoom)
		r.Say("waits for late")
		_ = late.Callback("rescued")
	})
}

func addedInCallback(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		d := deferred.New[string](l)
		fourth := func(v string) (string, error) {
			r.Say("fourth: %s", v)
			return v + "4", nil
		}
		third := func(v string) (string, error) {
			r.Say("third: %s", v)
			return v + "3", nil
		}
		d.AddCallback(func(v string) (string, error) {
			r.Say("first begins: %s", v)
			d.AddCallback(third)
			r.Say("first ends")
			return v + "1", nil
		})
		d.AddCallback(func(v string) (string, error) {
			r.Say("second: %s", v)
			d.AddCallback(fourth)
			return v + "2", nil
		})
		_ = d.Callback("v")
		d.AddBoth(end[string](r, "result"))
	})
}

const deep = 5000

func longChain(r *scenario.Run) {
	type number = deferred.Deferred[int]
	increment := func(v int) (int, error) { return v + 1, nil }
	body(r, func(l *corolla.Loop) {
		waits := func(d *number) *number {
			for range deep {
				inner := d
				d = deferred.Succeed(l, 0).ChainCallback(func(int) *number { return inner }).AddCallback(increment)
			}
			return d
		}
		innermost := deferred.New[int](l)
		waits(innermost).AddBoth(end[int](r, "unfired innermost"))
		r.Say("built")
		_ = innermost.Callback(1)

		waits(deferred.Succeed(l, 1)).AddBoth(end[int](r, "fired innermost"))

		d := deferred.New[int](l)
		for range deep {
			d.ChainCallback(func(v int) *number { return deferred.Succeed(l, v+1) })
		}
		d.AddBoth(end[int](r, "one chain"))
		_ = d.Callback(1)
	})
}

// callback and errback are what attempt tries.
func callback(d *text, v string) func() error { return func() error { return d.Callback(v) } }
func errback(d *text, err error) func() error { return func() error { return d.Errback(err) } }

func calledTwice(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		d := deferred.New[string](l)
		attempt(r, "first", callback(d, "one"))
		attempt(r, "second", callback(d, "two"))
		attempt(r, "error", errback(d, errBoom))
		d.AddBoth(end[string](r, "result"))

		d = deferred.New[string](l)
		d.AddBoth(end[string](r, "canceled"))
		d.Cancel(nil)
		attempt(r, "after the cancel", callback(d, "late"))
		attempt(r, "once more", callback(d, "too late"))

		d = deferred.New[string](l)
		d.AddBoth(end[string](r, "failed"))
		attempt(r, "error", errback(d, errBoom))
		attempt(r, "value", callback(d, "one"))
	})
}

func errbackOfNothing(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		d := deferred.New[string](l)
		d.AddBoth(end[string](r, "result"))
		attempt(r, "errback of nothing", errback(d, nil))
		r.Say("called: %s", yes(d.Called()))
		attempt(r, "errback", errback(d, errBoom))
	})
}

func pauseAndChain(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		d := deferred.New[string](l)
		d.AddBoth(show[string](r, "first"))
		d.Pause()
		d.Pause()
		_ = d.Callback("value")
		r.Say("fired")
		d.Unpause()
		r.Say("unpaused once")
		d.Unpause()
		r.Say("unpaused twice")

		for _, fire := range []string{"value", "error"} {
			a, b := deferred.New[string](l), deferred.New[string](l)
			a.ChainTo(b)
			b.AddBoth(end[string](r, "b"))
			if fire == "value" {
				_ = a.Callback("a's")
			} else {
				_ = a.Errback(errBoom)
			}
			a.AddBoth(end[string](r, "a"))
		}
	})
}
