package aio

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
)

// direction is one half of a connection: the task using it, the tasks waiting for it, and its
// deadline.
//
// Readers do not wait for one another: which of two got which data would be a matter of luck, so a
// second reader is a bug. Writers do. Their line is made when the first has to wait, since most
// connections never need one. The turn is handed to the next in line, not left to whichever task
// comes first.
type direction struct {
	task    *corolla.Task // whose call is under way or next; see holder
	line    *line         // nil if no task waits and nothing is to follow
	timer   *corolla.Timer
	giveUp  func() // cancels what a call waits for that does not recheck its state
	expired bool
	given   bool   // the current call has nothing more to write
	unwound uint16 // task.Unwound() when it claimed the direction
}

// line holds the tasks waiting for a direction, and what to do when none is left.
type line struct {
	waiting corolla.Waiters
	last    func()
}

// holder returns the task whose call is under way or next, or nil. If a task was unwound or
// abandoned in the middle of a call, the call is over although it never called end.
func (d *direction) holder() *corolla.Task {
	if t := d.task; t != nil && (t.Ended() || uint16(t.Unwound()) != d.unwound) {
		if giveUp := d.giveUp; giveUp != nil {
			d.giveUp = nil
			giveUp()
		}
		d.end(t)
	}
	return d.task
}

func (d *direction) claim(t *corolla.Task) {
	d.task, d.unwound = t, uint16(t.Unwound())
}

// begin claims the direction for a call that reads. A call that need not wait lets others run now and
// then, before it reads: after, a cancel could lose the data.
func (d *direction) begin(t *corolla.Task, ready bool) error {
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

// mustRun panics, before anything is claimed, if t is not the running task.
func mustRun(t *corolla.Task) {
	if t.Loop().Current() != t {
		_ = t.Yield()
	}
}

// errNoTurn is returned by enter when wake has emptied the line.
var errNoTurn = errors.New("woken without a turn")

// enter claims the direction for a call that writes, after those that came before it.
func (d *direction) enter(t *corolla.Task) error {
	mustRun(t)
	if d.holder() == nil {
		d.claim(t)
		return nil
	}
	_, err := d.queue().waiting.Wait(t, "its turn to write to a connection")
	switch {
	case err != nil:
		d.end(t) // in case it was t's turn already
		return err
	case d.task != t:
		return errNoTurn
	}
	return nil
}

func (d *direction) queue() *line {
	if d.line == nil {
		d.line = new(line)
	}
	return d.line
}

// queued reports whether a task is waiting for its turn.
func (d *direction) queued() bool { return d.line != nil && d.line.waiting.Len() > 0 }

// end hands the direction, if t holds it, to the next in line.
func (d *direction) end(t *corolla.Task) {
	if d.task != t {
		return
	}
	d.task, d.given = nil, false
	if d.line != nil {
		d.next()
	}
}

func (d *direction) next() {
	if t := d.line.waiting.Wake(); t != nil {
		d.claim(t)
		return
	}
	last := d.line.last
	if d.line = nil; last != nil {
		last()
	}
}

// atEnd calls f once no task uses the direction or waits for it.
func (d *direction) atEnd(f func()) {
	if d.holder() == nil {
		f()
		return
	}
	d.queue().last = f
}

// wake makes the current call recheck its state, and wakes the line without giving it a turn.
func (d *direction) wake() {
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

// unpark makes the current call recheck its state.
func (d *direction) unpark() {
	if t := d.holder(); t != nil {
		t.Unpark()
	}
}

func (d *direction) close() {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.wake()
}

func (d *direction) setDeadline(l *corolla.Loop, when time.Time) {
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

func (d *direction) expire() {
	d.expired = true
	d.wake()
}
