package twisted

import (
	"errors"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

func lockRelease(r *scenario.Run) {
	type places = *deferred.Semaphore
	holder := func(name string, releases bool) func(places) (places, error) {
		return func(held places) (places, error) {
			r.Say("%s has it", name)
			if releases {
				held.Release()
				r.Say("%s has released it", name)
			}
			return held, nil
		}
	}
	body(r, func(l *corolla.Loop) {
		lock := deferred.NewLock(l)
		lock.Acquire().AddCallback(holder("a", false))
		lock.Acquire().AddCallback(holder("b", false))
		waiting := lock.Acquire().AddCallback(holder("c", true))
		waiting.AddErrback(func(err error) (places, error) { return end[places](r, "c")(nil, err) })
		lock.Acquire().AddCallback(holder("d", true))
		r.Say("all asked")
		waiting.Cancel(nil)
		lock.Release()
		r.Say("a has released it")
		lock.Release()
		r.Say("b has released it")
		attempt(r, "one more", func() error { lock.Release(); return nil })
	})
}

func semaphoreRun(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		places := deferred.NewSemaphore(l, 2)
		work := map[string]*text{}
		for _, name := range []string{"a", "b", "c", "d"} {
			work[name] = deferred.New[string](l)
			deferred.Run(places, func() *text {
				r.Say("%s begins", name)
				return work[name]
			}).AddBoth(end[string](r, name))
		}
		deferred.Run(places, func() *text {
			r.Say("e begins")
			panic(errBoom)
		}).AddBoth(end[string](r, "e"))
		r.Say("all asked")
		_ = work["b"].Errback(errors.New("b failed"))
		r.Say("b is over")
		_ = work["a"].Callback("a's")
		r.Say("a is over")
		_ = work["c"].Callback("c's")
		_ = work["d"].Callback("d's")
		r.Say("free: %d", places.Stats().Free)
	})
}

func queueLimits(r *scenario.Run) {
	body(r, func(l *corolla.Loop) {
		queue := deferred.NewQueue[string](l, 2, 2)
		put := func(v string) {
			if queue.Put(v) != nil {
				r.Say("put %s: full", v)
			} else {
				r.Say("put %s", v)
			}
		}
		get := func(name string) *text { return queue.Get().AddBoth(end[string](r, name)) }
		for _, v := range []string{"one", "two", "three"} {
			put(v)
		}
		get("a")
		get("b")
		get("c")
		get("d")
		get("e")
		put("four")
		put("five")
		f := get("f")
		get("g")
		f.Cancel(nil)
		put("six")
	})
}
