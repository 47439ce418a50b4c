package sim_test

import (
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// The clock moves under a loop that is always busy, and stands still again once it has waited: what
// a program measures must not depend on what it did long before.
func TestClockStandsStillAgainAfterAWait(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	if err := l.Run(func(task *corolla.Task) error {
		yields := func(n int) time.Duration {
			before := w.Now()
			for range n {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			return w.Now() - before
		}
		if took := yields(60); took != 0 {
			t.Errorf("60 turns took %v", took)
		}
		if yields(200) == 0 {
			t.Error("the clock stands still for ever")
		}
		if err := task.Sleep(time.Millisecond); err != nil {
			return err
		}
		if took := yields(60); took != 0 {
			t.Errorf("60 turns after a wait took %v", took)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestSleepsTakeNoRealTime(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	if err := l.Run(func(t *corolla.Task) error { return t.Sleep(1000 * time.Hour) }); err != nil {
		t.Fatal(err)
	}
	if w.Now() != 1000*time.Hour || !l.Time().Equal(sim.Epoch.Add(1000*time.Hour)) {
		t.Errorf("it is %v, %v", w.Now(), l.Time())
	}
}

func TestBusyLoopSeesTimePass(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	done := false
	l.After(time.Millisecond, func() { done = true })
	if err := l.Run(func(t *corolla.Task) error {
		for !done {
			if err := t.Yield(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
