package deferred

import (
	"container/list"
	"errors"
	"iter"

	"github.com/corolla-go/corolla"
)

var (
	// ErrTaskDone is returned by the methods of a CooperativeTask that has come to its end (TaskDone).
	ErrTaskDone = errors.New("deferred: the cooperative task has come to its end")
	// ErrTaskStopped is what a CooperativeTask fails with that was stopped (TaskStopped, SchedulerStopped).
	ErrTaskStopped = errors.New("deferred: the cooperative task was stopped")
	// ErrNotPaused is returned by Resume of a CooperativeTask that is not paused (NotPaused).
	ErrNotPaused = errors.New("deferred: the cooperative task is not paused")
)

// Any is a Deferred of any type.
type Any interface{ onEnd(f func(err error)) }

func (d *Deferred[T]) onEnd(f func(error)) {
	d.AddBoth(func(v T, err error) (T, error) {
		f(err)
		return v, nil
	})
}

// Steps is work in pieces, each of which is over when the sequence yields: nil if the next can be done
// as soon as it is this work's turn again, a Deferred if it has to wait for that one, and which takes
// its error, or an error, which ends the work. The sequences that All of a gen.Generator[Any, …]
// returns are Steps.
type Steps = iter.Seq2[Any, error]

// maxSteps is how many steps are done in one turn of the loop, unless it is Overdue before that.
const maxSteps = 64

// Cooperator does several pieces of work in turns, one step of each, and lets the loop do something
// else when it has used up its share of time (Cooperator).
type Cooperator struct {
	loop    *corolla.Loop
	all     list.List // of *CooperativeTask: those that have not ended
	line    list.List // of *CooperativeTask: those that neither wait nor are paused, but the running one
	working bool      // a tick is under way, or will be
	stopped bool
	forget  func() // the loop's OnClose, while there are tasks
}

// NewCooperator returns a Cooperator without work.
func NewCooperator(l *corolla.Loop) *Cooperator {
	l.Check("NewCooperator")
	return &Cooperator{loop: l}
}

// CooperativeTask is a piece of work of a Cooperator (CooperativeTask).
type CooperativeTask struct {
	in      *Cooperator
	step    func() (piece, bool)
	close   func()
	member  *list.Element // of all
	place   *list.Element // of the line, or nil
	err     error         // why it has ended
	done    []*Deferred[struct{}]
	paused  int
	waits   bool // for a Deferred
	running bool // a step is being done
}

// piece is what a step yields.
type piece struct {
	on  Any
	err error
}

// Cooperate adds work (cooperate). Its first step is done in the next turn of the loop. If the
// Cooperator was stopped, so is the task.
func (c *Cooperator) Cooperate(work Steps) *CooperativeTask {
	c.loop.Check("Cooperator.Cooperate")
	t := &CooperativeTask{in: c}
	if c.stopped {
		t.err = ErrTaskStopped
		return t
	}
	t.step, t.close = corolla.Pull(func(yield func(piece) bool) {
		for on, err := range work {
			if !yield(piece{on, err}) {
				return
			}
		}
	})
	if t.member = c.all.PushBack(t); c.forget == nil {
		c.forget = c.loop.OnClose(func() { c.stopAll(corolla.ErrLoopClosed) })
	}
	t.enter()
	return t
}

// Coiterate adds work, and returns a Deferred that fires when it has ended (coiterate). Canceling that
// stops the work.
func (c *Cooperator) Coiterate(work Steps) *Deferred[struct{}] {
	t := c.Cooperate(work)
	d := t.whenDone(c.loop.CallSite())
	d.canceler = func(_ *Deferred[struct{}], cause error) { t.end(&corolla.CanceledError{Cause: cause}) }
	return d
}

// Stop stops all work, also what is added later.
func (c *Cooperator) Stop() {
	c.loop.Check("Cooperator.Stop")
	c.stopped = true
	c.stopAll(ErrTaskStopped)
}

func (c *Cooperator) stopAll(err error) {
	for first := c.all.Front(); first != nil; first = c.all.Front() {
		first.Value.(*CooperativeTask).end(err)
	}
}

// tick does steps until the share of time is used up.
func (c *Cooperator) tick() {
	for n := 0; n < maxSteps && c.line.Len() > 0 && (n == 0 || !c.loop.Overdue()); n++ {
		c.line.Front().Value.(*CooperativeTask).work()
	}
	if c.working = c.line.Len() > 0; c.working {
		c.loop.Soon(c.tick)
	}
}

// enter puts a task in line, if there is a step that it may do.
func (t *CooperativeTask) enter() {
	c := t.in
	if t.err != nil || t.paused > 0 || t.waits || t.running || t.place != nil {
		return
	}
	if t.place = c.line.PushBack(t); !c.working {
		c.working = true
		c.loop.Soon(c.tick)
	}
}

func (t *CooperativeTask) leave() {
	if t.place != nil {
		t.in.line.Remove(t.place)
		t.place = nil
	}
}

// work does one step of the task.
func (t *CooperativeTask) work() {
	t.leave()
	switch p, more := t.advance(); {
	case t.err != nil: // it was stopped in the step
		t.finish()
	case p.err != nil:
		t.end(p.err)
	case !more:
		t.end(ErrTaskDone)
	case p.on != nil:
		t.waits = true
		p.on.onEnd(func(err error) {
			if t.waits = false; err != nil {
				t.end(err)
			}
			t.enter()
		})
	default:
		t.enter()
	}
}

// advance makes an error of a panic.
func (t *CooperativeTask) advance() (p piece, more bool) {
	t.running = true
	defer func() {
		t.running = false
		if v := recover(); v != nil {
			p.err = t.in.loop.Caught(v, "a step of a cooperative task")
		}
	}()
	return t.step()
}

// finish lets the sequence run its deferred functions.
func (t *CooperativeTask) finish() {
	defer func() {
		if v := recover(); v != nil {
			_ = t.in.loop.Recovered(v, "the end of a cooperative task") // which has reported it
		}
	}()
	t.close()
}

// end ends the work, once.
func (t *CooperativeTask) end(err error) {
	if t.err != nil {
		return
	}
	c := t.in
	t.err = err
	t.leave()
	if c.all.Remove(t.member); c.all.Len() == 0 {
		c.forget()
		c.forget = nil
	}
	if !t.running {
		t.finish()
	}
	done := t.done
	t.done = nil
	for _, d := range done {
		t.tell(d)
	}
}

// WhenDone returns a Deferred that fires when the work has come to its end, or fails with the error that
// has ended it (whenDone).
func (t *CooperativeTask) WhenDone() *Deferred[struct{}] {
	return t.whenDone(t.in.loop.CallSite())
}

func (t *CooperativeTask) whenDone(site string) *Deferred[struct{}] {
	d := &Deferred[struct{}]{loop: t.in.loop, origin: made(site)}
	if t.err != nil {
		t.tell(d)
	} else {
		t.done = append(t.done, d)
	}
	return d
}

func (t *CooperativeTask) tell(d *Deferred[struct{}]) {
	if d.called { // canceled, or fired by somebody else
		return
	}
	if t.err == ErrTaskDone {
		d.fire(struct{}{}, nil)
	} else {
		d.fire(struct{}{}, t.err)
	}
}

// Pause keeps the work from going on until Resume was called as often as Pause (pause). If the work has
// ended it returns ErrTaskDone, ErrTaskStopped, or what it has failed with; so do Resume and Stop.
func (t *CooperativeTask) Pause() error {
	t.in.loop.Check("CooperativeTask.Pause")
	if t.err == nil {
		t.paused++
		t.leave()
	}
	return t.err
}

// Resume undoes one Pause (resume). It returns ErrNotPaused if there was none.
func (t *CooperativeTask) Resume() error {
	t.in.loop.Check("CooperativeTask.Resume")
	if t.err != nil {
		return t.err
	}
	if t.paused == 0 {
		return ErrNotPaused
	}
	t.paused--
	t.enter()
	return nil
}

// Stop ends the work, whose Deferreds fail with ErrTaskStopped (stop). What it waits for is left alone.
func (t *CooperativeTask) Stop() error {
	t.in.loop.Check("CooperativeTask.Stop")
	err := t.err
	t.end(ErrTaskStopped)
	return err
}
