package corolla

import (
	"cmp"
	"fmt"
	"time"

	"github.com/corolla-go/corolla/internal/ds"
	"github.com/corolla-go/corolla/internal/host"
)

// Task is a coroutine of a loop. Its body is ordinary Go code, which yields the loop
// to others only where it calls something that takes the task; every such call
// suspends the task in Park, if at all. Between two parks nothing else runs on the
// loop, so no locks are needed.
//
// A Task is a context.Context, which ends when the task is canceled or has ended. To
// make something end with a timeout or another scope inside the task, give it the Scope.
//
// A task's methods are for the task itself, while it runs; Cancel, Name, Loop and
// String may be called by anything on the loop, and the methods of context.Context
// are safe from any goroutine.
type Task struct {
	// The fields that every suspension touches come first, to fit in two cache lines.
	loop    *Loop
	co      *coroutine
	scope   *Scope        // the innermost
	on      any           // what it is parked on
	since   time.Duration // when it was parked
	pulled  *pulled       // the generator that it is suspended in, if any
	calls   uint8         // calls of Checkpoint since it was last suspended
	phase   phase
	refused uint16 // waits in a row that returned at once because of a cancel
	unwound uint16 // how often its calls were cut short by the loop's own panic
	seen    bool   // a cancel was returned to the body
	woken   bool   // its last wait in a queue ended because it was woken
	root    Scope

	work  work
	about *description      // nil if there is nothing to say but the body's name
	place ds.Link[wakeable] // in the queue that it waits in
	slot  any               // what it brings to that queue, or gets from it: see Queue
	timer *Timer            // for Sleep, made by the first one

	group     *Group
	queue     *ds.Link[*Task] // among the children that wait for room in the group; rarely set
	unwinding *Scope          // the scope up to which the loop's own panic unwinds
	target    needer          // what the task awaits, once the task's cancel was passed to it
	ahead     *Task           // the task behind target, or one further along the chain
	detach    func()          // from the context given by With

	link ds.Link[*Task] // in the loop's list of tasks

	eager     bool
	counted   bool // as running in its group
	postponed bool // waits for others although the loop is being closed
	abandoned bool // never resumed again
}

type phase uint8

const (
	fresh  phase = iota // made, and ready for its first step
	active              // running, or waiting for something it resumed
	parked              // waiting to be unparked
	woken               // unparked, and ready
	ended               // its body has returned, or will never run
)

// work is the part of a task that knows the type of its result.
type work interface {
	do(t *Task)     // calls the body and settles the future
	fail(err error) // settles the future without calling the body
	outcome() error // the future's error, which then counts as seen
	function() any  // the body
	awaited() bool  // whether anything waits for the future
}

// TaskOption configures a task that is being started.
type TaskOption func(*Task)

// run resumes the task until it suspends or ends.
func (t *Task) run() {
	if t.phase == fresh && !t.prepare() {
		return
	}
	l := t.loop
	caller, owner, pulled := l.current, l.owner, l.pulled
	t.phase, t.on, t.calls = active, nil, 0
	l.current, l.pulled = t, t.pulled
	if id := cmp.Or(t.co.at, t.co.id); id != 0 && owner != 0 { // otherwise the loop is not running, and has no owner
		l.owner = id
	}
	t.co.next()
	t.since, t.co.at, t.pulled = l.now, l.owner, l.pulled // it may have been suspended in a generator
	l.current, l.owner, l.pulled = caller, owner, pulled
	if l.opt.debug {
		l.spoilScratch()
	}
	if t.phase == ended && !t.abandoned {
		t.retire()
	}
}

// prepare gives a new task a coroutine, unless it was canceled, and reports whether it did.
func (t *Task) prepare() bool {
	if c := t.root.canceled; c != nil {
		t.work.fail(c)
		t.leave()
		return false
	}
	t.co = t.loop.spare.take()
	t.co.task = t
	return true
}

// retire is the end of a task on the side of the loop.
func (t *Task) retire() {
	co := t.co
	t.co = nil
	t.leave()
	t.loop.spare.give(co, t.loop.opt.idleTasks)
}

// body is what the task's coroutine runs.
func (t *Task) body() {
	l := t.loop
	if t.co.id == 0 {
		t.co.id = l.self()
		if l.owner != 0 {
			l.owner = t.co.id
		}
	}
	returned := false
	defer func() {
		t.phase = ended
		if returned {
			return
		}
		v := recover()
		if u, ok := v.(unwinding); ok {
			t.work.fail(u.err)
			return
		}
		if v == nil { // runtime.Goexit, which ends the loop's goroutine next
			t.work.fail(ErrGoexit)
			t.leave()
			return
		}
		t.work.fail(l.Caught(v, t.String()))
	}()
	t.work.do(t)
	returned = true
}

// leave ends a task: it takes the task off all lists and closes its scope.
func (t *Task) leave() {
	t.phase = ended
	t.link.Leave()
	t.root.close()
	t.place.Leave() // it is in no queue, unless Close or abandon has ended its wait
	if t.detach != nil {
		t.detach()
	}
	if t.group != nil {
		t.group.left(t)
	}
}

// Park suspends t until Unpark or until t is canceled; in a canceled scope it
// returns at once. The error is a *CanceledError, or ErrLoopClosed when the loop
// is closed meanwhile. on, a string or a fmt.Stringer, says what t waits for, for
// lists of the loop's tasks.
//
// Every wait is built on Park. The caller must make sure that an Unpark comes, and that
// none comes late: when Park returns an error, whatever would have called Unpark must be
// undone. Do that in a deferred function, because a task that keeps on waiting in a
// canceled scope is unwound by a panic; see UnwoundError.
func (t *Task) Park(on any) error { return t.wait("Park", parked, on) }

// Yield lets everything else that is ready run first. In a canceled scope it
// returns the error at once.
func (t *Task) Yield() error { return t.wait("Yield", woken, "a yield") }

func (t *Task) wait(what string, p phase, on any) error {
	if err := t.willing(what); err != nil {
		return err
	}
	if p == woken {
		t.loop.push(t)
	}
	t.refused = 0
	t.suspend(p, on) // not park, whose frame would be on the stack of every waiting task
	if t.phase != active {
		t.showStack()
	}
	return t.unwilling()
}

// willing is called before anything is prepared for a wait, because a refusal may panic.
func (t *Task) willing(what string) error {
	if !t.runs() {
		t.mustRun(what)
	}
	if err := t.unwilling(); err != nil {
		return t.refuse(err)
	}
	return nil
}

// unwilling returns why the task may not wait: it is canceled, or its loop is being closed.
func (t *Task) unwilling() error {
	if c := t.pending(); c != nil {
		return c
	}
	if t.loop.state == closing {
		return ErrLoopClosed
	}
	return nil
}

// park suspends the task, but not on a loop that is being closed, unless it is postponed.
func (t *Task) park(p phase, on any) {
	if t.loop.state == closing && !t.postponed {
		return
	}
	if t.pending() == nil { // otherwise it waits for something that is canceled too
		t.refused = 0
	}
	if t.suspend(p, on); t.phase != active {
		t.showStack()
	}
}

// suspend is the one place where a task stops running. It is inlined where tasks wait, and nothing
// follows the switch, since the processor mispredicts each return after one. Whatever must be done
// before and after is done in run.
func (t *Task) suspend(p phase, on any) {
	t.phase, t.on = p, on
	t.co.suspend()
}

// showStack is called when a suspended task was resumed only to show where it is; it then waits on.
func (t *Task) showStack() {
	for t.phase != active {
		t.on.(*snapshot).take()
		t.co.suspend()
	}
}

// Unpark makes a parked task ready, and reports whether it was parked. Park then
// returns in the next turn. Any other task is left as it is.
func (t *Task) Unpark() bool {
	t.loop.check("Unpark")
	if t.phase != parked {
		return false
	}
	t.phase = woken
	t.loop.push(t)
	return true
}

// wake is called by a queue of waiters.
func (t *Task) wake() {
	t.woken = true
	t.Unpark()
}

func (t *Task) belongs() *Loop { return t.loop }

// timeout ends a Sleep.
func (t *Task) timeout() { t.Unpark() }

// Sleep parks t for d. A d of 0 or less is a Yield.
func (t *Task) Sleep(d time.Duration) error {
	if d <= 0 {
		return t.Yield()
	}
	if err := t.willing("Sleep"); err != nil {
		return err
	}
	if t.timer == nil {
		t.timer = &Timer{loop: t.loop, what: t}
	}
	t.timer.set(t.loop.in(d))
	err := t.Park("a sleep")
	t.timer.stop()
	return err
}

// Every calls f at once and then at the end of every d, until f returns an error, and returns that, or
// t's own error. The calls keep their phase: one that takes long shifts no other, and those that would
// have come meanwhile are left out. A d of 0 or less is one turn of the loop.
func Every(t *Task, d time.Duration, f func() error) error {
	begin := t.loop.now
	for {
		if err := f(); err != nil {
			return err
		}
		if err := t.Sleep(d - (t.loop.now-begin)%max(d, 1)); err != nil {
			return err
		}
	}
}

// runs reports whether t is known to be the running task, and the caller. It reads what only the
// loop's goroutine writes, as check does.
//
//go:norace
func (t *Task) runs() bool { return t.loop.current == t && t.loop.owner == host.Goroutine() }

// mustRun panics unless t is the running task.
func (t *Task) mustRun(what string) {
	t.loop.check(what)
	if t.loop.current != t {
		t.misused(what)
	}
}

func (t *Task) misused(what string) {
	if t.phase == ended {
		panic(fmt.Sprintf("corolla: %s of %v, which has ended; only its own body may use a task", what, t))
	}
	panic(fmt.Sprintf("corolla: %s of %v from outside of it; only its own body may use a task: "+
		"start another task with Go, or use a callback", what, t))
}

// Cancel cancels the task: all its waits, now or later, return a *CanceledError with
// the cause, which may be nil. It reports false if the task had ended or was canceled
// before. From another goroutine, use Post.
func (t *Task) Cancel(cause error) bool {
	t.loop.check("Task.Cancel")
	if t.phase == ended || t.root.canceled != nil {
		return false
	}
	t.root.Cancel(cause)
	return true
}

// Loop returns the loop that runs the task.
func (t *Task) Loop() *Loop { return t.loop }
