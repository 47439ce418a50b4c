package asyncio

import (
	"fmt"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func loopBatch(r *scenario.Run) {
	l := r.Loop()
	l.Soon(func() {
		r.Say("a")
		l.Soon(func() {
			r.Say("added by a")
			l.Stop()
		})
	})
	l.Soon(func() { r.Say("b") })
	_ = l.RunForever()
	r.Say("stopped")
}

func loopLaterZero(r *scenario.Run) {
	l := r.Loop()
	l.After(10*ms, func() {
		l.After(0, func() { r.Say("timer"); l.Stop() })
		l.At(l.Now()-5*ms, func() { r.Say("timer for the past") })
		l.Soon(func() { r.Say("ready") })
	})
	_ = l.RunForever()
}

func loopLaterNegative(r *scenario.Run) {
	l := r.Loop()
	l.After(0, func() { r.Say("timer"); l.Stop() })
	l.After(-1000*ms, func() { r.Say("negative timer") })
	_ = l.RunForever()
}

func loopCancelInBatch(r *scenario.Run) {
	l := r.Loop()
	var callback corolla.Handle
	var timer *corolla.Timer
	l.Soon(func() {
		r.Say("a")
		callback.Cancel()
		timer.Stop()
	})
	callback = l.Soon(func() { r.Say("canceled callback") })
	timer = l.After(10*ms, func() { r.Say("canceled timer") })
	l.Soon(func() { r.Say("b") })
	l.After(20*ms, func() { r.Say("c"); l.Stop() })
	_ = l.RunForever()
}

func loopRaise(r *scenario.Run) {
	l := r.Loop(corolla.ErrorHandler(func(err error) { r.Say("handler: %s", word(err)) }))
	l.Soon(func() { r.Say("a") })
	l.Soon(func() { panic("callback") })
	l.Soon(func() { r.Say("b") })
	l.After(10*ms, func() { panic("timer") })
	l.After(20*ms, func() { r.Say("c"); l.Stop() })
	_ = l.RunForever()
}

func loopEqualTimers(r *scenario.Run) {
	l := r.Loop()
	at := l.Now() + 10*ms
	for i := range 8 {
		l.At(at, func() { r.Say("timer %d", i) })
	}
	l.After(20*ms, l.Stop)
	_ = l.RunForever()
}

func loopTimers(r *scenario.Run) {
	l := r.Loop()
	var again func(n int)
	again = func(n int) {
		r.Say("again %d", n)
		if n < 3 {
			l.After(10*ms, func() { again(n + 1) })
		}
	}
	l.After(50*ms, func() { r.Say("last"); l.Stop() })
	l.At(l.Now()+15*ms, func() { r.Say("at 15") })
	l.After(5*ms, func() { r.Say("after 5") })
	stopped := l.After(25*ms, func() { r.Say("canceled") })
	l.After(24*ms, func() { stopped.Stop() })
	l.After(10*ms, func() { again(1) })
	_ = l.RunForever()
}

func loopStop(r *scenario.Run) {
	l := r.Loop()
	l.Soon(func() {
		r.Say("a")
		l.Stop()
		l.Soon(func() { r.Say("left over") })
	})
	l.Soon(func() { r.Say("b") })
	_ = l.RunForever()
	r.Say("stopped")
	l.Stop()
	l.Soon(func() { r.Say("c") })
	l.After(10*ms, func() { r.Say("timer") })
	_ = l.RunForever()
	r.Say("stopped again")
	l.After(20*ms, l.Stop)
	_ = l.RunForever()
}

func loopRefuses(r *scenario.Run) {
	l := r.Loop()
	l.Soon(func() {
		r.Say("run a running loop: %s", refused(l.Run(func(*corolla.Task) error { return nil })))
		r.Say("close a running loop: %s", refused(l.Close()))
		l.Soon(l.Stop)
		l.Soon(func() { l.Soon(func() { r.Say("never") }) })
	})
	_ = l.RunForever()
	r.Say("close: %s", refused(l.Close()))
	r.Say("call_soon on a closed loop: %s", refused(try(func() { l.Soon(func() {}) })))
	r.Say("run a closed loop: %s", refused(l.RunForever()))
}

func loopCloseTwice(r *scenario.Run) {
	l := r.Loop()
	_ = l.Close()
	if l.Close() != nil {
		r.Say("closed again: refused")
	} else {
		r.Say("closed again")
	}
}

func loopStoppedEarly(r *scenario.Run) {
	l := r.Loop()
	l.After(10*ms, l.Stop)
	err := l.Run(func(t *corolla.Task) error {
		r.Say("main begins")
		_ = t.Sleep(20 * ms)
		r.Say("main ends")
		l.Soon(l.Stop)
		return nil
	})
	if err == corolla.ErrLoopStopped {
		r.Say("stopped early")
	}
	_ = l.RunForever()
}

func loopExecutor(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		work := func(n int) func() (int, error) {
			return func() (int, error) {
				_ = l.Post(func() { r.Say("posted %d", n) })
				if n == 2 {
					return 0, fmt.Errorf("%w work", errBad)
				}
				return n * 10, nil
			}
		}
		for n := range 3 {
			r.Say("%s", outcome(corolla.Offload(l, work(n+1)).Await(t)))
		}
		return nil
	})
}
