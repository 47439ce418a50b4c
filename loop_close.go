package corolla

import "errors"

// What is true at the end of a loop's life, and of a Run.
type ending struct {
	cause error // not nil while Run ends what its main task has left behind
	stuck bool  // Close cannot wait for anything any more
}

// cancelTasks cancels every task but one.
func (l *Loop) cancelTasks(except *Task, cause error) {
	for t := l.tasks.first; t != nil; t = t.next {
		if t != except {
			t.Cancel(cause)
		}
	}
}

// endTasks ends every task of a loop that is being closed, the youngest first, so that
// children end before their groups. Each is resumed, and whatever it waits for returns at
// once. Those that are postponed are resumed when the others have ended.
func (l *Loop) endTasks() {
	defer func() {
		if l.tasks.n > 0 { // one called runtime.Goexit, which goes on after this
			l.endTasks()
		}
	}()
	for l.tasks.n > 0 {
		before := l.tasks.n
		for t := l.tasks.last; t != nil; {
			next := t.prev // no other task ends, or starts, while t does
			l.endTask(t)
			t = next
		}
		l.ending.stuck = l.tasks.n == before
	}
}

func (l *Loop) endTask(t *Task) {
	switch t.phase {
	case fresh:
		t.work.fail(ErrLoopClosed)
		t.leave()
	case active: // its goroutine was ended by runtime.Goexit in what it resumed
		t.work.fail(errors.Join(ErrLoopClosed, ErrGoexit))
		t.leave()
	default:
		t.place.leave()
		t.run()
	}
}
