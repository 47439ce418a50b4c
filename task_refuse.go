package corolla

import "fmt"

// A wait in a canceled scope returns at once, and so does one while the loop is being closed. A
// task that does not look at errors,
//
//	for { t.Sleep(d); work() }
//
// would thus never give the loop to others again. So what is refused in a row, without a wait that
// did wait in between, is counted: soon each refusal gives others a turn, then the scope, or the
// task, is unwound by a panic of the loop's own, which runs what was deferred, and a task that
// recovers from that again and again is left where it is. docs/decisions/0007-ignored-cancels.md
// says why.
const (
	politeAfter  = 10   // refusals, until each gives others a turn
	unwoundAfter = 100  // until the scope is unwound, and again after as many
	leftAfter    = 1000 // until the task is never resumed
)

// unwinding is the panic that ends a scope, or a task, that goes on although it is canceled.
type unwinding struct{ err error }

// IsUnwinding reports whether a recovered value is the panic by which a loop ends a task that
// ignores that it is canceled. Whoever recovers from others' panics panics with it again.
func IsUnwinding(v any) bool {
	_, ok := v.(unwinding)
	return ok
}

// UnwoundError reports a task that went on waiting although it was canceled, or its loop was being
// closed, and was therefore ended by a panic that runs what it has deferred. Abandoned is for a
// task that has recovered from such panics too, and is never resumed again: its goroutine stays.
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

// Unwrap returns what the task's waits returned.
func (e *UnwoundError) Unwrap() error { return e.Err }

// refuse returns err from a wait that does not wait, and sees to it that this has an end.
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

// unwind reports the task, and leaves what is canceled.
func (t *Task) unwind(err error) {
	t.loop.report(&UnwoundError{Where: t.String(), Err: err})
	t.exit(err)
}

// exit leaves the outermost scope of the task that is canceled, or the task itself.
func (t *Task) exit(err error) {
	s := t.scope
	for s != &t.root && (s.parent.canceled != nil || t.loop.state == closing) {
		s = s.parent
	}
	t.unwinding = s
	t.unwound++
	panic(unwinding{err})
}

// Unwind leaves the outermost scope of the task that is canceled, or the task itself, by the panic of
// the loop's own that runs what was deferred; see IsUnwinding. It is for models whose waits return no
// errors: where nothing is canceled, and the loop is not being closed, it does nothing.
func (t *Task) Unwind() {
	t.mustRun("Unwind")
	if err := t.unwilling(); err != nil {
		t.exit(err)
	}
}

// postpone lets the other tasks of a loop that is being closed end first. It reports whether that
// may help: not once all who are left are postponed.
func (t *Task) postpone() bool {
	if t.loop.state != closing || t.loop.ending.stuck {
		return false
	}
	t.postponed = true
	t.park(parked, "other tasks to end")
	t.postponed = false
	return true
}

// abandon ends a task whose body does not.
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
