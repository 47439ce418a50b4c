package corolla

import "fmt"

// A wait in a canceled scope returns at once, and so does one while the loop is being closed. A
// task that ignores errors,
//
//	for { t.Sleep(d); work() }
//
// would thus never yield the loop to others again. So refusals in a row, without a real wait in
// between, are counted: soon each refusal lets others run, then the scope, or the task, is unwound
// by the loop's own panic, which runs deferred functions, and a task that recovers from that again
// and again is never resumed. docs/decisions/0007-ignored-cancels.md says why.
const (
	politeAfter  = 10   // refusals, until each lets others run
	unwoundAfter = 100  // until the scope is unwound, and again after as many
	leftAfter    = 1000 // until the task is abandoned
)

// unwinding is the panic that ends a scope, or a task, that carries on although it is canceled.
type unwinding struct{ err error }

// IsUnwinding reports whether a recovered value is the panic by which a loop ends a task that
// ignores its cancel. Code that recovers from panics of user code must panic with it again.
func IsUnwinding(v any) bool {
	_, ok := v.(unwinding)
	return ok
}

// UnwoundError reports a task that went on waiting although it was canceled or its loop was being
// closed, and was therefore ended by a panic that runs its deferred functions. Abandoned is set if
// the task kept recovering from such panics and is never resumed again: its goroutine leaks.
type UnwoundError struct {
	Where     string // the task, and where it comes from
	Err       error  // what its waits returned
	Abandoned bool
}

func (e *UnwoundError) Error() string {
	if e.Abandoned {
		return fmt.Sprintf("%s has recovered from being unwound and is abandoned; its waits returned: %v", e.Where, e.Err)
	}
	return fmt.Sprintf("%s ignored the errors of its waits and was unwound; they were: %v", e.Where, e.Err)
}

// Unwrap returns the error that the task's waits returned.
func (e *UnwoundError) Unwrap() error { return e.Err }

// refuse returns err from a wait that does not wait, and makes sure that this does not go on for ever.
func (t *Task) refuse(err error) error {
	t.refused++
	switch {
	case t.refused >= leftAfter:
		t.abandon(err)
	case t.refused%unwoundAfter == 0:
		t.unwind(err)
	case t.refused > politeAfter && t.loop.state != closing:
		t.loop.push(t)
		if t.suspend(woken, "the next refusal of a wait"); t.phase != active {
			t.showStack()
		}
	}
	return err
}

// unwind reports the task, and unwinds what is canceled.
func (t *Task) unwind(err error) {
	t.loop.report(&UnwoundError{Where: t.String(), Err: err})
	t.exit(err)
}

// exit unwinds the outermost canceled scope of the task, or the task itself.
func (t *Task) exit(err error) {
	s := t.scope
	for s != &t.root && (s.parent.canceled != nil || t.loop.state == closing) {
		s = s.parent
	}
	t.unwinding = s
	t.unwound++
	panic(unwinding{err})
}

// Unwind leaves the outermost canceled scope of the task, or the task itself, by the loop's own panic,
// which runs deferred functions; see IsUnwinding. It is for models whose waits return no errors. If
// nothing is canceled and the loop is not being closed, it does nothing.
func (t *Task) Unwind() {
	t.mustRun("Unwind")
	if err := t.unwilling(); err != nil {
		t.exit(err)
	}
}

// postpone lets the other tasks of a loop that is being closed end first. It reports whether that may
// have helped: it cannot once all remaining tasks are postponed.
func (t *Task) postpone() bool {
	if t.loop.state != closing || t.loop.ending.stuck {
		return false
	}
	t.postponed = true
	t.park(parked, "other tasks to end")
	t.postponed = false
	return true
}

// abandon ends a task whose body will not end.
func (t *Task) abandon(err error) {
	t.loop.report(&UnwoundError{Where: t.String(), Err: err, Abandoned: true})
	t.abandoned = true
	t.unwound++
	t.work.fail(err)
	for s := t.scope; s != &t.root; s = s.parent { // as if it had left them
		if s.of != nil {
			s.of.over = true
			s.of.lost()
		}
		s.close()
	}
	t.leave()
	for {
		t.suspend(ended, nil)
	}
}
