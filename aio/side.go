package aio

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
)

// side is one direction of a connection: who uses it, who waits to use it, and its deadline.
//
// Readers do not wait for each other: which of two would get what is a matter of luck, so it is a
// mistake of the program. Writers do. Their line is made for the first that has to stand in it, for
// most connections never need one. The turn is handed over, not left for whoever comes first.
type side struct {
	task    *corolla.Task // whose call is under way, or comes next; see holder
	line    *line         // nil if nobody waits and nothing is to follow
	timer   *corolla.Timer
	giveUp  func() // ends what the call under way waits for, if it does not look around
	expired bool
	given   bool   // the call under way has nothing more to write
	unwound uint16 // how often the task was, when it claimed the direction
}

// line is who waits for a direction, and what is done when nobody is left.
type line struct {
	waiting corolla.Waiters
	last    func()
}

// holder returns the task whose call is under way, or comes next, or nil. A call of a task that was
// unwound, or abandoned, in its middle is over, though nobody has said so.
func (d *side) holder() *corolla.Task {
	if t := d.task; t != nil && (t.Ended() || uint16(t.Unwound()) != d.unwound) {
		if giveUp := d.giveUp; giveUp != nil {
			d.giveUp = nil
			giveUp()
		}
		d.end(t)
	}
	return d.task
}

func (d *side) claim(t *corolla.Task) {
	d.task, d.unwound = t, uint16(t.Unwound())
}

// begin claims the direction for a call that reads. If the call need not wait, others have a turn
// before it now and then; after it, what it read could be lost to a cancel.
func (d *side) begin(t *corolla.Task, ready bool) error {
	mustRun(t)
	if d.holder() != nil {
		return corolla.ErrBusy
	}
	d.claim(t)
	if !ready && !d.expired {
		return nil
	}
	err := t.Checkpoint()
	if err != nil {
		d.end(t)
	}
	return err
}

// mustRun panics, before anything is claimed, if t is not the task that runs.
func mustRun(t *corolla.Task) {
	if t.Loop().Current() != t {
		_ = t.Yield()
	}
}

// errSwept is returned by enter when the line was sent away.
var errSwept = errors.New("the line was sent away")

// enter claims the direction for a call that writes, behind those that came before.
func (d *side) enter(t *corolla.Task) error {
	mustRun(t)
	if d.holder() == nil {
		d.claim(t)
		return nil
	}
	_, err := d.queue().waiting.Wait(t, "its turn to write to a connection")
	switch {
	case err != nil:
		d.end(t) // if it was t's turn already
		return err
	case d.task != t:
		return errSwept
	}
	return nil
}

func (d *side) queue() *line {
	if d.line == nil {
		d.line = new(line)
	}
	return d.line
}

// queued reports whether somebody waits for a turn.
func (d *side) queued() bool { return d.line != nil && d.line.waiting.Len() > 0 }

// end lets the next in line have the direction, if it is t's.
func (d *side) end(t *corolla.Task) {
	if d.task != t {
		return
	}
	d.task, d.given = nil, false
	if d.line != nil {
		d.next()
	}
}

func (d *side) next() {
	if t := d.line.waiting.Wake(); t != nil {
		d.claim(t)
		return
	}
	last := d.line.last
	if d.line = nil; last != nil {
		last()
	}
}

// atEnd has f done when nobody uses the direction, or waits to.
func (d *side) atEnd(f func()) {
	if d.holder() == nil {
		f()
		return
	}
	d.queue().last = f
}

// wake makes the call under way look around, and sends away those that wait in line.
func (d *side) wake() {
	t := d.holder()
	if d.giveUp != nil {
		d.giveUp()
	}
	if t != nil {
		t.Unpark()
	}
	if d.line != nil {
		d.line.waiting.WakeAll()
	}
}

// unpark makes the call under way look around.
func (d *side) unpark() {
	if t := d.holder(); t != nil {
		t.Unpark()
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
