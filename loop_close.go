package corolla

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla/internal/ds"
)

// What is true at the end of a loop's life, and of a Run.
type ending struct {
	cause error // not nil while Run ends what its main task has left behind
	stuck bool  // Close cannot wait for anything any more
}

// cancelTasks cancels every task but one.
func (l *Loop) cancelTasks(except *Task, cause error) {
	for k := l.tasks.First(); k != nil; k = k.Next() {
		if t := k.Value; t != except {
			t.Cancel(cause)
		}
	}
}

// endTasks ends every task of a loop that is being closed, the youngest first, so that
// children end before their groups. Each is resumed, and whatever it waits for returns at
// once. Those that are postponed are resumed when the others have ended.
func (l *Loop) endTasks() {
	defer func() {
		if l.tasks.Len() > 0 { // one called runtime.Goexit, which goes on after this
			l.endTasks()
		}
	}()
	for l.tasks.Len() > 0 {
		before := l.tasks.Len()
		for k := l.tasks.Last(); k != nil; {
			older := k.Prev() // no other task ends, or starts, while this one does
			endTask(k.Value)
			k = older
		}
		l.ending.stuck = l.tasks.Len() == before
	}
}

func endTask(t *Task) {
	switch t.phase {
	case fresh:
		t.work.fail(ErrLoopClosed)
		t.leave()
	case active: // its goroutine was ended by runtime.Goexit in what it resumed
		t.work.fail(errors.Join(ErrLoopClosed, ErrGoexit))
		t.leave()
	default:
		t.place.Leave()
		t.run()
	}
}

// Close ends the loop for good: every task that still lives is ended, with
// ErrLoopClosed from whatever it waits for, every socket is closed, and what is
// ready or scheduled is dropped. What was written to connections that were closed, or
// whose writing side was, is still sent, for at most 5 seconds, or what CloseTimeout says. Errors that
// nobody looked at reach the error handler. It returns ErrLoopRunning while the loop runs, and ErrLoopClosed if it
// was closed before.
func (l *Loop) Close() (err error) {
	switch l.state {
	case running:
		return fmt.Errorf("corolla: close: %w; call Stop first", ErrLoopRunning)
	case closing, closed:
		return fmt.Errorf("corolla: close: %w", ErrLoopClosed)
	}
	l.state = closing
	l.own()
	defer l.crash()
	defer func() { err = l.release() }() // also after a runtime.Goexit in cleanup
	l.inbox.close()
	l.callClosers()
	l.endTasks()
	l.callClosers() // that the tasks' cleanup has registered
	l.drain()
	return nil
}

func (l *Loop) callClosers() {
	for k := l.closers.Last(); k != nil; k = l.closers.Last() {
		k.Leave()
		l.closer(k.Value)
	}
}

func (l *Loop) closer(f func()) {
	defer func() {
		if v := recover(); v != nil {
			l.Recovered(v, "OnClose callback "+function(f))
		}
	}()
	f()
}

// release is the second half of Close: no code of others runs any more, but for the error
// handler.
func (l *Loop) release() error {
	var errs []error
	for fd, w := range l.fds {
		if w != nil {
			errs = append(errs, w.drop())
			l.fds[fd] = nil
		}
	}
	for _, w := range l.workers {
		w.drop()
	}
	for l.ready.Len() > 0 { // lets go of what the callbacks hold
		l.ready.Pop()
	}
	for k := l.unseen.First(); k != nil; k = l.unseen.First() {
		k.Value.report()
	}
	l.spare.stop()
	l.state = closed
	l.disown()
	close(l.gone)
	return errors.Join(append(errs, l.host.Close())...)
}

// OnClose calls f when the loop is closed, before its tasks are ended and its
// sockets closed, and after what was registered later than f. stop takes it back.
func (l *Loop) OnClose(f func()) (stop func()) {
	l.check("OnClose")
	k := &ds.Link[func()]{Value: f}
	l.closers.Push(k)
	return func() { k.Leave() }
}
