package corolla

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla/internal/ds"
	"github.com/corolla-go/corolla/internal/host"
)

// Scope is a part of a task that can be canceled on its own: explicitly, or by a
// deadline. Scopes nest. A canceled scope stays canceled until it is left, and every
// wait in it returns a *CanceledError at once, except inside a shielded scope (Trio's
// rules; asyncio's cancel is an event that can be lost, see docs/models.md).
//
// A Scope is a context.Context, whose methods are safe from any goroutine. Its
// other methods belong to the loop.
type Scope struct {
	task     *Task
	parent   *Scope         // nil for the root of a task that is in no group
	canceled *CanceledError // the cancel in force here, which may be an outer scope's
	timer    *Timer
	shielded bool
	left     bool
	of       *Group  // the group whose scope it is, if any
	pulled   *pulled // the generator that opened it, if any

	// What other goroutines see; see task_context.go.
	values   context.Context               // set before anything can read it; never ends
	deadline atomic.Int64                  // on the loop's clock; 0 is none
	ended    atomic.Pointer[CanceledError] // the first cancel, or the end of the scope
	std      atomic.Pointer[scopeContext]  // made on first use

	inner ds.List[*Scope] // those inside, and the roots of tasks started in this one
	link  ds.Link[*Scope] // among its parent's
}

// TimeoutError is what Timeout and TimeoutAt return when the time was up and something
// inside was canceled because of that. It matches os.ErrDeadlineExceeded and
// context.DeadlineExceeded, but not ErrCanceled: the scope is over.
type TimeoutError struct {
	After time.Duration // how long the scope had
	Err   error         // what the body returned

	rest error // of Err, without the scope's cancel
}

func (e *TimeoutError) Error() string {
	if e.rest != nil {
		return fmt.Sprintf("timed out after %v: %v", e.After, e.rest)
	}
	return fmt.Sprintf("timed out after %v", e.After)
}

// Unwrap returns the rest of the body's error, without the timeout itself: an error of its cleanup,
// say. It is nil if there is nothing else.
func (e *TimeoutError) Unwrap() error { return e.rest }

// Is makes the error match os.ErrDeadlineExceeded and context.DeadlineExceeded.
func (e *TimeoutError) Is(target error) bool {
	return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
}

// Timeout returns true; it is part of net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Timeout runs body in a scope that is canceled when d has passed, and then returns a
// *TimeoutError in place of the body's *CanceledError. If the body returns something
// else, because it was done anyway or chose to, Timeout returns that. A d of 0 or less
// cancels at once: the body fails at its first wait.
func (t *Task) Timeout(d time.Duration, body func(s *Scope) error) error {
	return t.TimeoutAt(t.loop.in(d), body)
}

// TimeoutAt is Timeout with a time of the loop's clock.
func (t *Task) TimeoutAt(when time.Duration, body func(s *Scope) error) error {
	return t.within(new(Scope), max(when, 0), body)
}

// Cancelable runs body in a scope that s.Cancel cancels. It returns what body returns:
// after a cancel usually the *CanceledError, which does not mean that the scopes outside
// are canceled.
func (t *Task) Cancelable(body func(s *Scope) error) error { return t.within(new(Scope), never, body) }

// Shielded runs body in a scope that is out of reach of cancels and deadlines from outside:
// the place for cleanup that itself waits. When it is left, the cancel is in force again.
func (t *Task) Shielded(body func(s *Scope) error) error {
	return t.within(&Scope{shielded: true}, never, body)
}

// never is the deadline of a scope that has none.
const never = time.Duration(-1)

func (t *Task) within(s *Scope, deadline time.Duration, body func(s *Scope) error) (err error) {
	t.mustRun("a scope")
	s.enter(t)
	s.limit(deadline)
	defer func() {
		if t.unwinding == s {
			v := recover()
			if u, ok := v.(unwinding); ok {
				err = u.err
			} else if v != nil { // a deferred function has panicked meanwhile
				_ = s.leave(nil)
				panic(v)
			}
		}
		err = s.leave(err)
	}()
	return body(s)
}

func (s *Scope) enter(t *Task) {
	if id := host.Goroutine(); id != 0 && t.loop.owner != 0 && t.loop.owner != id {
		panic("corolla: a scope opened in a coroutine of iter.Pull, which might yield inside of it; " +
			"use corolla.Pull, which makes sure that it does not")
	}
	s.task = t
	s.attach(t.scope)
	t.scope = s
	if s.pulled = t.loop.pulled; s.pulled != nil {
		s.pulled.scopes++
	}
}

// attach makes s a child of parent, and a cancel in force there also applies here.
func (s *Scope) attach(parent *Scope) {
	s.parent = parent
	if s.values == nil {
		s.values = parent.values
	}
	s.link.Value = s
	parent.inner.Push(&s.link)
	if c := parent.canceled; c != nil && !s.shielded {
		s.cancel(c)
	}
}

// close ends a scope, which may be a task's root.
func (s *Scope) close() {
	if s.timer != nil {
		s.timer.stop()
	}
	s.left = true
	s.end(scopeLeft)
	s.link.Leave()
}

// scopeLeft is the cause with which contexts derived from a scope end when it is left.
var scopeLeft = &CanceledError{Cause: errors.New("the task has left the scope")}

// leave ends the scope, and turns the body's error into the one to return.
func (s *Scope) leave(err error) error {
	s.task.scope = s.parent
	s.close()
	if s.pulled != nil {
		s.pulled.scopes--
	}
	own, rest := split(err, s)
	switch {
	case own == nil:
		return err
	case s.parent.canceled != nil && !s.shielded:
		return join(s.parent.canceled, rest)
	case own.deadline:
		return &TimeoutError{After: s.timer.after, Err: err, rest: rest}
	}
	return err
}

// Cancel cancels the scope with a cause, which may be nil. A second Cancel does
// nothing.
func (s *Scope) Cancel(cause error) {
	s.task.loop.check("Scope.Cancel")
	s.cancelOnce(&CanceledError{Cause: cause, scope: s})
}

func (s *Scope) cancelOnce(c *CanceledError) {
	if s.canceled == nil {
		s.cancel(c)
	}
}

// SetTimeout sets or moves the deadline to d from now. It does nothing in a scope that is
// already canceled, or left.
func (s *Scope) SetTimeout(d time.Duration) { s.SetDeadline(s.task.loop.in(d)) }

// SetDeadline sets or moves the deadline to a time of the loop's clock; a time less than 0
// removes it. It does nothing in a scope that is already canceled, or left.
func (s *Scope) SetDeadline(when time.Duration) {
	s.task.loop.check("Scope.SetDeadline")
	if s.canceled != nil || s.left {
		return
	}
	if s.timer != nil {
		s.timer.stop()
	}
	s.limit(when)
}

// limit sets the deadline.
func (s *Scope) limit(when time.Duration) {
	if when < 0 {
		s.deadline.Store(0)
		return
	}
	s.deadline.Store(max(int64(when), 1))
	l := s.task.loop
	if s.timer == nil {
		s.timer = &Timer{loop: l, what: s}
	}
	s.timer.after = when - l.now
	if when <= l.now {
		s.timeout()
		return
	}
	s.timer.set(when)
}

// timeout is called by the scope's timer.
func (s *Scope) timeout() {
	s.cancelOnce(&CanceledError{deadline: true, scope: s})
}

// Scope returns the innermost scope that the task is in, for use as the context of things
// that should end with it.
func (t *Task) Scope() *Scope {
	t.loop.check("Task.Scope")
	return t.scope
}

// Canceled returns the cancel in force in the scope: nil, or the *CanceledError that every
// wait in it returns.
func (s *Scope) Canceled() error {
	s.task.loop.check("Scope.Canceled")
	if s.canceled == nil {
		return nil
	}
	return s.canceled
}

// cancel puts c in force here and in the scopes inside. An outer scope's cancel replaces an
// inner one's, which no longer matters.
func (s *Scope) cancel(c *CanceledError) {
	s.canceled = c
	s.end(c)
	for k := s.inner.First(); k != nil; k = k.Next() {
		if in := k.Value; !in.shielded {
			in.cancel(c)
		}
	}
	if s.task.scope == s {
		s.task.interrupt(c)
	}
}

// interrupt tells a waiting task of a cancel.
func (t *Task) interrupt(c *CanceledError) {
	if t.phase == fresh && t.queue.Leave() { // it needs no room in its group to end
		t.loop.push(t)
	}
	if t.phase != parked {
		return // it will see the cancel when it runs, or before it waits
	}
	if on, ok := t.on.(interface{ interrupt(*Task, *CanceledError) }); ok {
		on.interrupt(t, c)
		return
	}
	t.Unpark()
}

// pending returns the cancel in force in the task's innermost scope.
func (t *Task) pending() *CanceledError {
	c := t.scope.canceled
	if c != nil && c == t.root.canceled {
		t.seen = true
	}
	return c
}
