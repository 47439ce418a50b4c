package corolla_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// others counts the turns that others have had.
func others(l *corolla.Loop) func() int {
	n := 0
	var again func()
	again = func() {
		n++
		l.Soon(again)
	}
	l.Soon(again)
	return func() int { return n }
}

func TestCheckpointByCount(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.TurnBudget(0), corolla.SlowLimit(0))
		defer l.Close()
		turns := others(l)
		run(t, l, func(task *corolla.Task) error {
			for range 3 {
				if err := task.Yield(); err != nil {
					return err
				}
				before := turns()
				for i := 1; i <= 64; i++ {
					if err := task.Checkpoint(); err != nil {
						return err
					}
					if had := turns() - before; had != i/64 {
						t.Fatalf("after %d calls others have had %d turns", i, had)
					}
				}
			}
			return nil
		})
	})
}

// TestCheckpointByTime has a budget that is spent as soon as the clock is read, but for the first
// call, which does not read it. On a simulated machine no time passes by itself.
func TestCheckpointByTime(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.TurnBudget(time.Nanosecond), corolla.SlowLimit(0))
		defer l.Close()
		turns := others(l)
		run(t, l, func(task *corolla.Task) error {
			for range 3 {
				if err := task.Yield(); err != nil {
					return err
				}
				for !l.Simulated() && !l.Overdue() {
				}
				before := turns()
				for i := 1; i <= 3; i++ {
					if err := task.Checkpoint(); err != nil {
						return err
					}
					want := 0
					if i == 2 && !l.Simulated() {
						want = 1
					}
					if had := turns() - before; had != want {
						t.Fatalf("after %d calls others have had %d turns, want %d", i, had, want)
					}
					if want == 1 {
						break
					}
				}
			}
			if l.Simulated() && l.Overdue() {
				t.Error("a simulated loop is overdue")
			}
			return nil
		})
	})
}

// Time that a simulated program spends is time that it holds the loop.
func TestOverdueWhenTimeIsSpent(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop(corolla.TurnBudget(10 * ms))
	run(t, l, func(task *corolla.Task) error {
		for _, c := range []struct {
			spent time.Duration
			want  bool
		}{{0, false}, {10 * ms, false}, {1, true}} {
			if w.Spend(c.spent); l.Overdue() != c.want {
				t.Errorf("overdue after %v more: %v", c.spent, !c.want)
			}
		}
		if err := task.Yield(); err != nil || l.Overdue() {
			t.Errorf("overdue in the next turn, %v", err)
		}
		return nil
	})
	leaktest.Close(t, l)
}

func TestCheckpointOfACanceledTask(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			return task.Cancelable(func(s *corolla.Scope) error {
				s.Cancel(nil)
				var err error
				n := 0
				for ; err == nil && n < 100; n++ {
					err = task.Checkpoint()
				}
				if !errors.Is(err, corolla.ErrCanceled) || l.Simulated() && n != 64 {
					t.Errorf("%v after %d calls", err, n)
				}
				return nil
			})
		})
	})
}
