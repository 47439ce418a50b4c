package corolla

import "github.com/corolla-go/corolla/internal/ds"

// Waiters is a queue of parked tasks, first in, first out, on which locks, queues and
// futures are built. The zero value is empty.
//
// A task that is canceled while it waits leaves the queue by itself. A task that was
// woken, and is canceled before it runs, gets an error from Wait too; if something was
// handed over with the wake-up, it must then pass that on.
type Waiters struct{ line ds.List[wakeable] }

// wakeable is what is in the queue: a task, which can be in only one queue and so owns its place, or
// a callback to make ready.
type wakeable interface {
	wake()
	belongs() *Loop
}

// check panics if a foreign goroutine calls, before anything is changed. The first waiter knows the
// loop; an empty queue has no loop to touch.
func (q *Waiters) check(what string) {
	if first := q.line.First(); first != nil {
		first.Value.belongs().check(what)
	}
}

// Wait parks t until it is woken. on, a string or a fmt.Stringer, says what it waits
// for, for lists of the loop's tasks. The error is t's own, if it is canceled; woken
// tells whether it had been woken before that.
func (q *Waiters) Wait(t *Task, on any) (woken bool, err error) {
	if err := t.willing("Wait"); err != nil {
		return false, err
	}
	t.woken = false
	q.line.Push(&t.place)
	for err == nil && !t.woken { // an unrelated Unpark does not end the wait
		err = t.Park(on)
	}
	t.place.Leave()
	return t.woken, err
}

// Wake wakes the task that has waited longest and returns it, or nil if none is waiting.
func (q *Waiters) Wake() *Task {
	first := q.line.First()
	if first == nil {
		return nil
	}
	q.check("Waiters.Wake")
	first.Leave()
	first.Value.wake()
	t, _ := first.Value.(*Task)
	return t
}

// WakeAll wakes every waiting task, in the order in which they came, and returns how
// many there were.
func (q *Waiters) WakeAll() int {
	q.check("Waiters.WakeAll")
	n := q.line.Len()
	for k := q.line.First(); k != nil; k = q.line.First() {
		k.Leave()
		k.Value.wake()
	}
	return n
}

// Len returns how many are waiting.
func (q *Waiters) Len() int { return q.line.Len() }
