package host

import (
	"math"
	"sync/atomic"
	"time"
)

// guard notices that a loop is stuck while it is. Once a turn the loop stores the time, or that it
// waits; the guard's goroutine looks once per limit, and sleeps without a timer while the loop
// waits for longer than that.
//
// Rejected: a timer that the loop resets at each turn, which costs more than the turn; and a
// ticker, which would keep waking the processor for an idle program.
type guard struct {
	limit time.Duration
	now   func() time.Duration // safe from any goroutine
	alarm func(held time.Duration, still func() bool)

	since  atomic.Int64 // when the turn began, or waiting
	asleep atomic.Bool
	wake   chan struct{}
	quit   chan struct{}
}

const waiting = math.MinInt64

// shortest is the least time between two looks, so that a tiny limit does not keep the machine
// busy.
const shortest = time.Millisecond

func startGuard(limit time.Duration, now func() time.Duration, alarm func(time.Duration, func() bool)) *guard {
	g := &guard{limit: limit, now: now, alarm: alarm, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	g.since.Store(int64(now()))
	go g.watch()
	return g
}

// begin says that the loop has something to do from now on. A nil guard ignores it.
func (g *guard) begin(now time.Duration) {
	if g == nil {
		return
	}
	if g.since.Store(int64(now)); g.asleep.Load() {
		g.rouse()
	}
}

func (g *guard) rouse() {
	g.asleep.Store(false)
	select {
	case g.wake <- struct{}{}:
	default: // told already, but not awake yet
	}
}

// wait says that the loop is going to wait.
func (g *guard) wait() {
	if g != nil {
		g.since.Store(waiting)
	}
}

func (g *guard) stop() { close(g.quit) }

func (g *guard) watch() {
	timer := time.NewTimer(g.limit)
	defer timer.Stop()
	reported := int64(waiting)
	for {
		select {
		case <-timer.C:
		case <-g.quit:
			return
		}
		next := g.limit
		if since := g.since.Load(); since == waiting {
			if !g.sleep() {
				return
			}
		} else if held := g.now() - time.Duration(since); held < g.limit {
			next -= held
		} else if since != reported {
			reported = since
			g.alarm(held, func() bool { return g.since.Load() == since })
		}
		timer.Reset(max(next, shortest))
	}
}

// sleep returns true when the loop has something to do, and false when the guard is stopped.
func (g *guard) sleep() bool {
	g.asleep.Store(true)
	if g.since.Load() != waiting { // begin may have read asleep before it was set
		g.asleep.Store(false)
		return true
	}
	select {
	case <-g.wake:
		return true
	case <-g.quit:
		return false
	}
}
