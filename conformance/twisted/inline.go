package twisted

import (
	"errors"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

func inlineCallbacks(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		d := deferred.New[string](l)
		result := deferred.Go(l, func(t *corolla.Task) (string, error) {
			r.Say("begins")
			v, _ := deferred.Succeed(l, "fired").Await(t)
			r.Say("got %s", v)
			v, _ = d.Await(t)
			r.Say("got %s", v)
			if _, err := deferred.Fail[string](l, errBoom).Await(t); errors.Is(err, errBoom) {
				r.Say("caught %v", err)
			}
			return "result", nil
		})
		r.Say("called")
		result.AddBoth(end[string](r, "result"))
		_ = d.Callback("late")
		r.Say("fired")
		d.AddBoth(end[string](r, "what was waited for"))

		deferred.Go(l, func(t *corolla.Task) (string, error) {
			_, _ = deferred.Succeed(l, "").Await(t)
			return "", errors.New("from the body")
		}).AddBoth(end[string](r, "failing"))
	})
}

func inlineCancel(r *scenario.Run) {
	inner := func(d *text, catch bool) func(t *corolla.Task) (string, error) {
		return func(t *corolla.Task) (string, error) {
			defer r.Say("finally")
			_, err := d.Await(t)
			if errors.Is(err, corolla.ErrCanceled) {
				r.Say("body: %s", word(err))
			}
			if catch {
				return "caught", nil
			}
			return "", err
		}
	}
	body(r, func(l *corolla.Loop) {
		for _, catch := range []bool{false, true} {
			d := deferred.NewCancelable(l, saying(r, "what it waits for is canceled"))
			result := deferred.Go(l, inner(d, catch))
			result.AddBoth(end[string](r, "result"))
			result.Cancel(nil)
			attempt(r, "fire it", callback(d, "late"))
			result.Cancel(nil)
		}

		d := deferred.New[string](l)
		result := deferred.Go(l, func(t *corolla.Task) (string, error) {
			v, err := deferred.Go(l, inner(d, true)).Await(t)
			return "outer of " + v, err
		})
		result.AddBoth(end[string](r, "outer"))
		result.Cancel(nil)
	})
}
