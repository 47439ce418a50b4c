package twisted

import (
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

type nothing = deferred.Deferred[struct{}]

func none() (struct{}, error) { return struct{}{}, nil }

// taking returns the body of a LoopingCall, whose calls take that long, one after the other.
func taking(l *corolla.Loop, say func(n int), takes ...time.Duration) func(n int) *nothing {
	return func(n int) *nothing {
		say(n)
		now := takes[0]
		takes = takes[1:]
		return deferred.Later(l, now, none)
	}
}

func loopingPhase(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		call := taking(t.Loop(), func(int) { r.Say("call") }, 0, 15*ms, 0, 25*ms, 0, 0)
		looping := deferred.NewLoopingChain(t.Loop(), call)
		looping.Start(10 * ms)
		_ = t.Sleep(75 * ms)
		looping.Stop()
		r.Say("stopped")
		return t.Sleep(20 * ms)
	})
}

func loopingCount(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		call := taking(t.Loop(), func(n int) { r.Say("call of %d", n) }, 0, 1500*ms, 0, 2500*ms, 0, 0)
		looping := deferred.NewLoopingChain(t.Loop(), call)
		looping.Start(1000 * ms)
		_ = t.Sleep(7500 * ms)
		looping.Stop()
		r.Say("stopped")

		looping = deferred.NewLoopingCall(t.Loop(), func(n int) error { r.Say("later call of %d", n); return nil })
		looping.Start(1000*ms, deferred.NotNow)
		_ = t.Sleep(2500 * ms)
		looping.Stop()
		return nil
	})
}

func everyPhase(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		takes := []time.Duration{1, 15, 10, 25, 1}
		err := corolla.Every(t, 10*ms, func() error {
			if len(takes) == 0 {
				r.Say("no more")
				return errBoom
			}
			now := takes[0]
			takes = takes[1:]
			r.Say("takes %d ms", now)
			return t.Sleep(now * ms)
		})
		r.Say("end: %s", shown("", err))
		return nil
	})
}

func loopingWaits(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		slow, calls := some(t.Loop(), 2), 0
		looping := deferred.NewLoopingChain(t.Loop(), func(int) *text {
			r.Say("call")
			calls++
			return slow[calls-1]
		})
		looping.Start(10 * ms).AddBoth(end[struct{}](r, "looping"))
		_ = t.Sleep(35 * ms)
		r.Say("first is over")
		_ = slow[0].Callback("")
		_ = t.Sleep(20 * ms)
		r.Say("second fails")
		_ = slow[1].Errback(errBoom)
		r.Say("running: %s", yes(looping.Running()))
		return nil
	})
}

func loopingEnds(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		looping := deferred.NewLoopingCall(t.Loop(), func(int) error { r.Say("call"); return nil })
		over := looping.Start(10*ms, deferred.NotNow)
		over.AddCallback(func(v struct{}) (struct{}, error) {
			r.Say("over, running: %s", yes(looping.Running()))
			return v, nil
		})
		attempt(r, "start again", func() error { looping.Start(10 * ms); return nil })
		_ = t.Sleep(25 * ms)
		looping.Stop()
		r.Say("stopped")
		attempt(r, "stop again", func() error { looping.Stop(); return nil })
		_ = t.Sleep(20 * ms)

		names := []string{"one", "two"}
		looping = deferred.NewLoopingCall(t.Loop(), func(int) error {
			if len(names) == 0 {
				return errBoom
			}
			r.Say("%s", names[0])
			names = names[1:]
			return nil
		})
		looping.Start(10 * ms).AddBoth(end[struct{}](r, "looping"))
		_ = t.Sleep(40 * ms)
		r.Say("running: %s", yes(looping.Running()))
		return nil
	})
}

func loopingReset(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		looping := deferred.NewLoopingCall(t.Loop(), func(int) error { r.Say("call"); return nil })
		looping.Start(10 * ms)
		_ = t.Sleep(25 * ms)
		looping.Reset()
		r.Say("reset")
		_ = t.Sleep(25 * ms)
		looping.Stop()

		count := 0
		looping = deferred.NewLoopingCall(t.Loop(), func(int) error {
			count++
			r.Say("call %d", count)
			if count == 3 {
				looping.Stop()
			}
			return nil
		})
		_, _ = looping.Start(10 * ms).Await(t)
		r.Say("over")
		return nil
	})
}
