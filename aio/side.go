package aio

import (
	"time"

	"github.com/corolla-go/corolla"
)

// side is one direction of a connection: who uses it, and its deadline.
type side struct {
	task    *corolla.Task // whose call is under way
	run     int           // calls in a row that did not have to wait
	timer   *corolla.Timer
	expired bool
	giveUp  func() // ends what the call under way waits for, if it does not look around
}

// maxRun is how many calls a task may make without waiting before others have a turn: a
// peer that is never late must not have the loop for itself.
const maxRun = 64

// begin claims the direction for one call.
func (d *side) begin(t *corolla.Task) error {
	if d.task != nil {
		return corolla.ErrBusy
	}
	if t.Loop().Current() != t {
		return t.Yield() // which panics, before anything is claimed
	}
	d.task = t
	if d.run++; d.run < maxRun {
		return nil
	}
	d.run = 0
	err := t.Yield()
	if err != nil {
		d.task = nil
	}
	return err
}

func (d *side) end() { d.task = nil }

// wake makes the call under way look around.
func (d *side) wake() {
	if d.giveUp != nil {
		d.giveUp()
	}
	if d.task != nil {
		d.task.Unpark()
	}
}

func (d *side) close() {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.wake()
}

func (d *side) setDeadline(l *corolla.Loop, when time.Time) {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.expired = false
	if when.IsZero() {
		return
	}
	left := when.Sub(l.Time())
	switch {
	case left <= 0:
		d.expire()
	case d.timer == nil:
		d.timer = l.After(left, d.expire)
	default:
		d.timer.Reset(left)
	}
}

func (d *side) expire() {
	d.expired = true
	d.wake()
}
