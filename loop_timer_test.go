package corolla_test

import (
	"math"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

func TestTimersWithOneDeadlineRunInOrder(t *testing.T) { // differences 1
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		when := l.Now() + time.Millisecond
		for i := range 8 {
			l.At(when, func() { tr.add("%d", i) })
		}
		l.At(when, l.Stop)
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "0 1 2 3 4 5 6 7")
	})
}

func TestTimerReset(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		timer := l.After(time.Millisecond, func() { tr.add("late"); l.Stop() })
		l.After(2*time.Millisecond, func() { tr.add("middle") })
		if !timer.Reset(4 * time.Millisecond) {
			t.Error("Reset of an active timer is true")
		}
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "middle late")
		if timer.Active() || timer.Reset(0) || !timer.Active() {
			t.Error("Reset of a timer that ran is false, and sets it")
		}
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "late")
	})
}

func TestVeryLongAndVeryShortTimes(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		run(t, l, func(task *corolla.Task) error {
			l.Go(func(task *corolla.Task) error { return task.Sleep(math.MaxInt64) }, corolla.Eager())
			l.After(math.MaxInt64, func() { t.Error("the end of time came") })
			if err := task.Sleep(ms); err != nil { // is not held up by them
				return err
			}
			ran := false
			l.At(-time.Hour, func() { ran = true })
			err := task.Timeout(math.MaxInt64, func(*corolla.Scope) error { return turns(task, 3) })
			if !ran {
				t.Error("a timer for the past did not run")
			}
			return err
		})
	})
}
