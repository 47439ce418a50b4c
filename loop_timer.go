package corolla

import (
	"math"
	"time"
)

// Timer runs a callback once, at a time of the loop's clock. Timers due at the same
// time run in the order in which they were set.
type Timer struct {
	loop  *Loop
	when  time.Duration
	seq   uint64
	place int // in the heap, counted from 1; 0 if it is not in it
	fired bool
	after time.Duration // of a scope's timer: how long the scope had, for the error
	what  timed
	site  site
}

// timed is what a timer is for: a callback, a task to wake, a scope to end.
type timed interface{ timeout() }

func (f callback) timeout() { f() }

// At runs f when the loop's clock reads when, or in the next turn if it is past
// that. It panics on a closed loop.
func (l *Loop) At(when time.Duration, f func()) *Timer {
	l.check("At")
	if l.state == closed {
		panic("corolla: At or After on a closed loop: the timer would never fire; check the order of shutdown")
	}
	t := &Timer{loop: l, what: callback(f), site: l.site()}
	t.set(max(when, 0))
	return t
}

// After runs f once d has passed. If d is 0 or less, f runs in the next turn, after
// everything already ready.
func (l *Loop) After(d time.Duration, f func()) *Timer { return l.At(l.in(d), f) }

// in returns the time of the loop's clock that is d from now, or the latest possible time
// if that would overflow.
func (l *Loop) in(d time.Duration) time.Duration {
	if d > math.MaxInt64-l.now {
		return math.MaxInt64
	}
	return l.now + max(d, 0)
}

// Stop keeps the callback from running, and reports whether it did: false if the callback
// has already run or was stopped before.
func (t *Timer) Stop() bool {
	t.loop.check("Timer.Stop")
	return t.stop()
}

// Reset sets the timer to d from now, whether or not it has run. It reports whether the
// callback was still pending.
func (t *Timer) Reset(d time.Duration) bool {
	t.loop.check("Timer.Reset")
	was := t.stop()
	t.set(t.loop.in(d))
	return was
}

// When returns the time for which the timer is set, or was last set.
func (t *Timer) When() time.Duration {
	t.loop.check("Timer.When")
	return t.when
}

// Active reports whether the callback is still pending.
func (t *Timer) Active() bool {
	t.loop.check("Timer.Active")
	return t.place > 0 || t.fired
}

func (t *Timer) set(when time.Duration) {
	t.loop.seq++
	t.when, t.seq = when, t.loop.seq
	t.loop.timers.Push(t)
}

func (t *Timer) stop() bool {
	was := t.Active()
	t.fired = false // an entry in the ready ring will see this
	if t.place > 0 {
		t.loop.timers.Remove(t.place - 1)
	}
	return was
}

// takeTimers makes the due timers ready.
func (l *Loop) takeTimers() {
	for l.timers.Len() > 0 && l.timers.Min().when <= l.now {
		t := l.timers.Pop()
		t.fired = true
		l.push(t)
	}
}

func (t *Timer) run() {
	if !t.fired {
		return
	}
	t.fired = false
	t.what.timeout()
}

// timerOrder orders timers by time, and those with the same time by age.
type timerOrder struct{}

func (timerOrder) Less(a, b *Timer) bool {
	return a.when < b.when || a.when == b.when && a.seq < b.seq
}

func (timerOrder) Place(t *Timer, i int) { t.place = i + 1 }
