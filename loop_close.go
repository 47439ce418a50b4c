package corolla

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla/internal/ds"
)

// ending is the state of a Run, or of a loop, that is ending.
type ending struct {
	cause error // not nil while Run ends the tasks that its main task left behind
	stuck bool  // postponing tasks no longer helps Close
}

// cancelTasks cancels every task but one.
func (l *Loop) cancelTasks(except *Task, cause error) {
	for k := l.tasks.First(); k != nil; k = k.Next() {
		if t := k.Value; t != except {
			t.Cancel(cause)
		}
	}
}

// endTasks ends every task of a loop that is being closed, newest first, so that children end
// before their groups. Each is resumed, and all its waits return at once. Postponed tasks are
// resumed when the others have ended.
func (l *Loop) endTasks() {
	defer func() {
		if l.tasks.Len() > 0 { // one called runtime.Goexit, which continues after this
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
	case active: // something that it resumed called runtime.Goexit, which ended its goroutine
		t.work.fail(errors.Join(ErrLoopClosed, ErrGoexit))
		t.leave()
	default:
		t.place.Leave()
		t.run()
	}
}

// Close ends the loop for good: every remaining task is ended, with all its waits returning
// ErrLoopClosed; every socket is closed, and callbacks that are ready or scheduled are dropped.
// Data already written to connections that were closed, or closed for writing, is still sent,
// for at most 5 seconds or the time set with CloseTimeout. Errors that nobody looked at reach
// the error handler. Close returns ErrLoopRunning while the loop is running, and ErrLoopClosed
// if it was closed before.
func (l *Loop) Close() (err error) {
	switch l.state {
	case running:
		return fmt.Errorf("corolla: close: %w; call Stop first", ErrLoopRunning)
	case closing, closed:
		return fmt.Errorf("corolla: close: %w", ErrLoopClosed)
	}
	l.host.Running(true)
	l.state = closing
	l.own()
	defer l.crash()
	defer func() { err = l.release() }() // even after a runtime.Goexit in cleanup
	l.inbox.close()
	l.callClosers()
	l.endTasks()
	l.callClosers() // those registered by the tasks' cleanup
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

// release is the second half of Close, in which no user code runs except the error handler.
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
	for l.ready.Len() > 0 { // to release what the callbacks hold
		l.ready.Pop()
	}
	for l.last.Len() > 0 {
		l.last.Pop()
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

// OnClose calls f when the loop is closed, before its tasks are ended and its sockets
// closed. The functions are called in reverse order of registration. stop unregisters f.
func (l *Loop) OnClose(f func()) (stop func()) {
	l.check("OnClose")
	k := &ds.Link[func()]{Value: f}
	l.closers.Push(k)
	return func() { k.Leave() }
}
