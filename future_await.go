package corolla

import (
	"fmt"
	"time"
)

// Await parks t until the future is settled, and returns its result; at once if it is
// already settled.
//
// If t is canceled while it waits, so is the future, and the task behind it, for which
// t then waits; Shield prevents that. If the result was already there but t had not run
// yet, t's cancel wins, and the result stays in the future (as in asyncio:
// test_cancel_wins_over_result).
func (f *Future[T]) Await(t *Task) (T, error) {
	t.mustRun("Await")
	var zero T
	if f.loop != t.loop {
		return zero, fmt.Errorf("corolla: %v awaits a future of another loop", t)
	}
	if f.task == t {
		return zero, fmt.Errorf("corolla: %v awaits itself", t)
	}
	if f.done {
		f.look()
		if f.err != nil && t.unwilling() != nil {
			_ = t.refuse(f.err) // this did not wait either
		}
		return f.value, f.err
	}
	canceled := t.pending()
	f.waiting.line.Push(&t.place)
	defer t.place.Leave()
	if canceled != nil && !f.forward(t, canceled) {
		return zero, t.refuse(canceled)
	}
	waited := f.wait(t)
	forwarded := t.target != nil
	t.target, t.ahead = nil, nil
	switch err := t.unwilling(); {
	case f.done && (err == nil || forwarded && !f.canceled || err == ErrLoopClosed):
		f.look()
		return f.value, f.err
	case waited && canceled == nil:
		return zero, err
	default: // t was canceled before it began to wait
		return zero, t.refuse(err)
	}
}

// wait parks t until f is settled or t is canceled, unless the cancel has gone to f. It reports
// whether t was parked.
func (f *Future[T]) wait(t *Task) (waited bool) {
	for !f.done && t.loop.state != closing && (t.pending() == nil || t.target != nil) {
		t.park(parked, f) // an unrelated Unpark does not end the wait
		waited = true
	}
	return waited
}

// interrupt passes the cancel of a waiting task on to the future.
func (f *Future[T]) interrupt(t *Task, c *CanceledError) {
	if !f.forward(t, c) {
		t.Unpark()
	}
}

// forward cancels f for t, which then waits for f to be settled, unless each would wait for the
// other.
func (f *Future[T]) forward(t *Task, c *CanceledError) bool {
	if t.awaited() && f.needs(t, new(walk)) {
		return false
	}
	t.target, t.ahead = f, f.task
	f.Cancel(c.reason())
	return true
}

// A cycle of tasks that await each other shows up when the cancel, which each passes to the next,
// comes back to one that has already passed it on: from there the path leads to the task that asks.
// So only canceled tasks are followed. A long chain of them is walked once, and its end is cached
// for later walks.

// needer is something that may wait for tasks to end: a future, a group, or a combination of futures.
type needer interface {
	// needs reports whether this ends, now that it is canceled, only when t has ended.
	needs(t *Task, w *walk) bool
}

// walk is one search for a cycle. It keeps a cycle that t is not part of from being walked for ever.
type walk struct{ seen map[any]bool }

// first reports whether x was not visited before.
func (w *walk) first(x any) bool {
	if w.seen == nil {
		w.seen = map[any]bool{}
	}
	was := w.seen[x]
	w.seen[x] = true
	return !was
}

func (f *Future[T]) needs(t *Task, w *walk) bool {
	if f.done {
		return false
	}
	if f.task != nil {
		return f.task.last().needs(t, w)
	}
	many, ok := f.onCancel.(needer)
	return ok && w.first(f) && many.needs(t, w)
}

func (u *Task) needs(t *Task, w *walk) bool {
	if u == t {
		return true
	}
	on := u.target
	if g, ok := u.on.(*Group); ok {
		on = g
	}
	return on != nil && w.first(u) && on.needs(t, w)
}

// last follows the tasks that have each passed their cancel on to the next, and returns the last.
func (u *Task) last() *Task {
	for u.ahead != nil {
		if u.ahead.ahead != nil {
			u.ahead = u.ahead.ahead
		}
		u = u.ahead
	}
	return u
}

func (g *Group) needs(t *Task, w *walk) bool {
	for k := g.scope.inner.First(); k != nil; k = k.Next() {
		if s := k.Value; s.task != g.task && s.task.last().needs(t, w) {
			return true
		}
	}
	return false
}

// awaited reports whether anything waits for the task's end, as far as a quick look can tell.
func (t *Task) awaited() bool {
	for ; t != nil; t = t.group.task {
		if t.work.awaited() {
			return true
		}
		if t.group == nil {
			return false
		}
	}
	return false
}

// AwaitTimeout is Await for at most d. When the time is up it cancels the future, waits
// until it is settled, and returns a *TimeoutError, or the result if there is one after
// all. If d is 0 or less, a pending future is canceled at once; a task that has not begun
// then never runs. (asyncio's wait_for.)
func (f *Future[T]) AwaitTimeout(t *Task, d time.Duration) (v T, err error) {
	if f.done {
		return f.Result()
	}
	err = t.Timeout(d, func(*Scope) error {
		v, err = f.Await(t)
		return err
	})
	return v, err
}
