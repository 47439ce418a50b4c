package twisted

import (
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

type (
	results = []corolla.Result[string]
	texts   = []string
)

func listEmpty(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		say := func(name string) func(results) (results, error) {
			return func(v results) (results, error) {
				r.Say("%s: %d", name, len(v))
				return v, nil
			}
		}
		deferred.All[string](l, nil).AddCallback(say("all"))
		deferred.Gather[string](l, nil).AddCallback(func(v texts) (texts, error) {
			r.Say("gather: %d", len(v))
			return v, nil
		})
		deferred.All[string](l, nil, deferred.FireOnError).AddCallback(say("all, first error"))
		deferred.First[string](l, nil).AddCallback(func(w winner) (winner, error) {
			r.Say("first fired")
			return w, nil
		})
		_ = t.Sleep(10 * ms)
		r.Say("end")
		return nil
	})
}

type winner = deferred.Winner[string]

// sayAll returns a callback that says the results of a list.
func sayAll(r *scenario.Run, name string) func(results, error) (results, error) {
	return func(v results, err error) (results, error) {
		if err != nil {
			r.Say("%s: failed: %s", name, word(err))
			return nil, nil
		}
		var each []string
		for _, one := range v {
			if one.Err != nil {
				each = append(each, word(one.Err))
			} else {
				each = append(each, one.Value)
			}
		}
		r.Say("%s: %s", name, strings.Join(each, " "))
		return nil, nil
	}
}

// some makes n Deferreds.
func some(l *corolla.Loop, n int) []*text {
	ds := make([]*text, n)
	for i := range ds {
		ds[i] = deferred.New[string](l)
	}
	return ds
}

func listResults(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		ds := some(l, 3)
		deferred.All(l, ds, deferred.ConsumeErrors).AddBoth(sayAll(r, "all"))
		_ = ds[2].Callback("c")
		_ = ds[0].Callback("a")
		r.Say("one is missing")
		_ = ds[1].Errback(errBoom)

		ds = some(l, 2)
		deferred.First(l, ds).AddCallback(func(w winner) (winner, error) {
			r.Say("first: %s of %d", w.Value, w.Index)
			return w, nil
		})
		_ = ds[1].Callback("b")
		_ = ds[0].Callback("a")

		ds = some(l, 2)
		deferred.All(l, ds, deferred.FireOnError|deferred.ConsumeErrors).AddBoth(sayAll(r, "error"))
		_ = ds[1].Errback(errBoom)
		_ = ds[0].Callback("a")

		ds = some(l, 2)
		deferred.Gather(l, ds).AddCallback(func(v texts) (texts, error) {
			r.Say("gather: %s", strings.Join(v, " "))
			return v, nil
		})
		_ = ds[1].Callback("b")
		_ = ds[0].Callback("a")
	})
}

func listConsume(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		for _, consume := range []deferred.ListOption{0, deferred.ConsumeErrors} {
			ds := some(l, 2)
			deferred.All(l, ds, consume).AddCallback(func(v results) (results, error) {
				r.Say("all fired")
				return v, nil
			})
			_ = ds[0].Errback(errBoom)
			_ = ds[1].Callback("value")
			ds[0].AddBoth(end[string](r, "a"))
			ds[1].AddBoth(end[string](r, "b"))
		}
	})
}

func gatherCancel(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		canceled := func(name string) *text { return deferred.NewCancelable(l, saying(r, name+" is canceled")) }
		say := end[texts](r, "gather")
		ds := []*text{canceled("a"), canceled("b"), canceled("c")}
		ds[1].AddErrback(func(err error) (string, error) { return "", err })
		g := deferred.Gather(l, ds, deferred.ConsumeErrors)
		g.AddBoth(say)
		r.Say("cancel")
		g.Cancel(nil)
		r.Say("canceled")

		calm := canceled("calm").AddErrback(func(error) (string, error) { return "calmed", nil })
		g = deferred.Gather(l, []*text{calm, canceled("other")}, deferred.ConsumeErrors)
		g.AddBoth(say)
		g.Cancel(nil)

		all := deferred.All(l, []*text{canceled("a"), canceled("b")}, deferred.ConsumeErrors)
		all.AddBoth(func(v results, err error) (results, error) {
			each := make([]string, len(v))
			for i, one := range v {
				each[i] = map[bool]string{true: "failed", false: "value"}[one.Err != nil]
			}
			r.Say("all: %s", strings.Join(each, " "))
			return v, err
		})
		all.Cancel(nil)
	})
}
