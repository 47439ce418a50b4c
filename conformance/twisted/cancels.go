package twisted

import (
	"errors"
	"runtime"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

// canceler is a function that is told of a cancel, as NewCancelable takes it.
type canceler = func(d *text, cause error)

// saying returns a canceler that only says something.
func saying(r *scenario.Run, what string) canceler {
	return func(*text, error) { r.Say("%s", what) }
}

func cancelMatrix(r *scenario.Run) {
	cancelers := []struct {
		name string
		f    canceler
	}{
		{"none", nil},
		{"silent", saying(r, "canceller is told")},
		{"firing", func(d *text, _ error) {
			r.Say("canceller fires")
			_ = d.Callback("from the canceller")
		}},
		{"failing", func(d *text, _ error) {
			r.Say("canceller fails it")
			_ = d.Errback(errors.New("given up"))
		}},
	}
	body(r, func(l *corolla.Loop) {
		for _, c := range cancelers {
			for _, after := range []string{"callback", "errback", "cancel"} {
				r.Say("%s, %s", c.name, after)
				d := deferred.New[string](l)
				if c.f != nil {
					d = deferred.NewCancelable(l, c.f)
				}
				d.AddBoth(end[string](r, "result"))
				d.Cancel(nil)
				switch after {
				case "callback":
					attempt(r, after, callback(d, "late"))
				case "errback":
					attempt(r, after, errback(d, errBoom))
				case "cancel":
					attempt(r, after, func() error { d.Cancel(nil); return nil })
					attempt(r, "callback", callback(d, "late"))
				}
			}
		}
	})
}

func cancelInner(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		innermost := deferred.NewCancelable(l, saying(r, "innermost's canceller"))
		inner := deferred.Succeed(l, "1").ChainCallback(waiting(innermost))
		inner.AddErrback(func(error) (string, error) { return "calmed", nil })
		outer := deferred.Succeed(l, "2").ChainCallback(waiting(inner))
		outer.AddBoth(show[string](r, "outer"))
		r.Say("cancel")
		outer.Cancel(nil)
		outer.Cancel(nil)
		innermost.AddBoth(end[string](r, "innermost"))

		done := deferred.Succeed(l, "done")
		done.Cancel(nil)
		done.AddBoth(show[string](r, "done"))

		stubborn := deferred.NewCancelable(l, func(d *text, _ error) { _ = d.Callback("stays") })
		waits := deferred.Succeed(l, "3").ChainCallback(waiting(stubborn))
		waits.AddBoth(end[string](r, "waiting"))
		waits.Cancel(nil)
	})
}

func cancelerRaises(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		d := deferred.NewCancelable(l, func(*text, error) {
			r.Say("canceller raises")
			panic(errBoom)
		})
		d.AddBoth(end[string](r, "result"))
		cancel := func() error { d.Cancel(nil); return nil }
		attempt(r, "cancel", cancel)
		r.Say("called: %s", yes(d.Called()))
		attempt(r, "again", cancel)
		attempt(r, "callback", callback(d, "after all"))
		attempt(r, "callback", callback(d, "twice"))
	})
}

// logs returns an option that says what is reported as unhandled.
func logs(r *scenario.Run) corolla.Option {
	return corolla.ErrorHandler(func(err error) {
		var unseen *corolla.UnseenError
		if errors.As(err, &unseen) {
			err = unseen.Err
		}
		r.Say("logged: %s", word(err))
	})
}

func unhandledCollected(r *scenario.Run) {
	logged := false
	l := r.Loop(corolla.ErrorHandler(func(err error) {
		var unseen *corolla.UnseenError
		if errors.As(err, &unseen) {
			logged = true
			r.Say("logged: %s", word(unseen.Err))
		}
	}))
	_ = l.Run(func(t *corolla.Task) error {
		forget(r, t, errors.New("handled late"), true)
		r.Say("handled and collected")
		forget(r, t, errors.New("forgotten"), false)
		for !logged {
			runtime.GC()
			_ = t.Yield()
		}
		r.Say("collected")
		return nil
	})
}

// forget makes a failed Deferred, and lets go of it.
func forget(r *scenario.Run, t *corolla.Task, err error, handle bool) {
	d := deferred.Fail[string](t.Loop(), err)
	runtime.GC()
	_ = t.Yield()
	if handle {
		r.Say("still held")
		d.AddErrback(func(error) (string, error) { return "", nil })
		d = nil
		runtime.GC()
		_ = t.Yield()
	} else {
		r.Say("held again")
	}
	runtime.KeepAlive(d)
}

func unhandledHeld(r *scenario.Run) {
	var held []*text
	l := r.Loop(logs(r))
	_ = l.Run(func(t *corolla.Task) error {
		held = append(held, deferred.Fail[string](l, errors.New("held")))
		_ = t.Sleep(10 * ms)
		r.Say("end")
		return nil
	})
	_ = l.Close()
	r.Say("the loop has ended")
	runtime.KeepAlive(held)
}

func addTimeout(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		limited := func(d *text, name string) {
			d.AddTimeout(10 * ms).AddBoth(end[string](r, name))
			_ = t.Sleep(20 * ms)
		}
		limited(deferred.New[string](l).AddBoth(show[string](r, "before")), "after")
		limited(deferred.NewCancelable(l, func(d *text, _ error) { _ = d.Callback("canceller's") }), "canceller's value")
		limited(deferred.NewCancelable(l, func(d *text, _ error) { _ = d.Errback(errBoom) }), "canceller's error")

		d := deferred.New[string](l)
		d.AddTimeout(10 * ms).AddBoth(end[string](r, "canceled by hand"))
		d.Cancel(nil)
		_ = t.Sleep(20 * ms)

		d, slow := deferred.New[string](l), deferred.New[string](l)
		d.AddTimeout(10 * ms).ChainCallback(waiting(slow)).AddBoth(end[string](r, "slow callback behind it"))
		_ = d.Callback("in time")
		_ = t.Sleep(20 * ms)
		_ = slow.Callback("slow")

		d, slow = deferred.New[string](l), deferred.New[string](l)
		d.ChainCallback(waiting(slow))
		_ = d.Callback("in time")
		limited(d, "slow callback before it")
		r.Say("over")
		return nil
	})
}
