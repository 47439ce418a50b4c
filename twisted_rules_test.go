package corolla_test

import (
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// Twisted's rules for time, by their numbers. Those of Deferreds are in package deferred, those of connections
// in transport.

// TestTwistedRule17CallMadeInATimedCall: one for now runs in the next turn, behind what was ready, and a clock that
// is moved past both runs both.
func TestTwistedRule17CallMadeInATimedCall(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			end, when := corolla.NewFuture[int](l), l.Now()+time.Millisecond
			l.At(when, func() {
				l.Soon(func() { tr.add("soon") })
				l.After(0, func() {
					tr.add("inner")
					l.After(0, func() {
						tr.add("innermost")
						_ = end.Resolve(0) // once
					})
				})
				tr.add("outer")
			})
			l.At(when, func() { tr.add("same time") })
			_, err := end.Await(task)
			return err
		})
		if got, want := tr.String(), "outer same time soon inner innermost"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestTwistedRule18ResetAndDelay: Reset counts from now, and its like for delay(s) moves the time that was set.
func TestTwistedRule18ResetAndDelay(t *testing.T) {
	delay := func(l *corolla.Loop, x *corolla.Timer, d time.Duration) { x.Reset(x.When() - l.Now() + d) }
	for name, c := range map[string]struct {
		at     time.Duration // when it is moved
		move   func(l *corolla.Loop, x *corolla.Timer)
		wanted time.Duration
	}{
		"reset":             {20, func(_ *corolla.Loop, x *corolla.Timer) { x.Reset(20 * time.Millisecond) }, 40},
		"reset to earlier":  {5, func(_ *corolla.Loop, x *corolla.Timer) { x.Reset(time.Millisecond) }, 6},
		"delay":             {20, func(l *corolla.Loop, x *corolla.Timer) { delay(l, x, 10*time.Millisecond) }, 40},
		"a negative delay":  {5, func(l *corolla.Loop, x *corolla.Timer) { delay(l, x, -20*time.Millisecond) }, 10},
		"delay to the past": {20, func(l *corolla.Loop, x *corolla.Timer) { delay(l, x, -time.Hour) }, 20},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				run(t, l, func(task *corolla.Task) error {
					start := l.Now()
					var ran []time.Duration
					x := l.After(30*time.Millisecond, func() { ran = append(ran, l.Now()-start) })
					if err := task.Sleep(c.at * time.Millisecond); err != nil {
						return err
					}
					late := l.Now() - start - c.at*time.Millisecond // none on the simulated host
					c.move(l, x)
					if err := task.Sleep(100 * time.Millisecond); err != nil {
						return err
					}
					if len(ran) != 1 || ran[0] < c.wanted*time.Millisecond || l.Simulated() && (ran[0] > c.wanted*time.Millisecond || late > 0) {
						t.Errorf("ran at %v, want %v ms", ran, int64(c.wanted))
					}
					return nil
				})
			})
		})
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) { // once it has run, or was stopped
		run(t, l, func(task *corolla.Task) error {
			var ran []string
			x := l.After(0, func() { ran = append(ran, "x") })
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
			if x.Active() || x.Stop() {
				t.Error("a timer that has run is active, or can be stopped")
			}
			y := l.After(0, func() { ran = append(ran, "y") })
			if !y.Active() || !y.Stop() || y.Stop() || y.Active() {
				t.Error("Stop stops once, and is told of it")
			}
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
			if !slices.Equal(ran, []string{"x"}) {
				t.Errorf("ran %v", ran)
			}
			return nil
		})
	})
}
