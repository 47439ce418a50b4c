package corolla

import "github.com/corolla-go/corolla/internal/ds"

// Waiters is a queue of parked tasks, first in, first out: what locks, queues and
// futures are made of. The zero value is empty.
//
// A task that is canceled while it waits leaves the queue by itself. A task that
// was woken and is canceled before it runs gets an error from Wait too; if something
// was handed over with the wake-up, it must then hand it on.
type Waiters struct{ line ds.List[wakeable] }

// wakeable is what stands in the queue: a task, which can be in one queue only and so owns its
// place, or a callback that is to be made ready.
type wakeable interface {
	wake()
	belongs() *Loop
}

// check panics when a foreign goroutine calls, before anything is changed. Who waits knows the
// loop; where nobody waits no loop is touched.
func (q *Waiters) check(what string) {
	if first := q.line.First(); first != nil {
		first.Value.belongs().check(what)
	}
}

// Wait parks t until it is woken. What it waits for is on, a string or a
// fmt.Stringer, shown by whoever lists the loop's tasks. The error is t's own, if
// it is canceled; woken tells whether it had been woken before that.
func (q *Waiters) Wait(t *Task, on any) (woken bool, err error) {
	if err := t.willing("Wait"); err != nil {
		return false, err
	}
	t.woken = false
	q.line.Push(&t.place)
	for err == nil && !t.woken { // an Unpark by somebody else changes nothing
		err = t.Park(on)
	}
	t.place.Leave()
	return t.woken, err
}

// Wake wakes the task that has waited longest and returns it, or nil if none waits.
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

// WakeAll wakes every task that waits, in the order in which they came, and
// returns how many there were.
func (q *Waiters) WakeAll() int {
	q.check("Waiters.WakeAll")
	n := q.line.Len()
	for k := q.line.First(); k != nil; k = q.line.First() {
		k.Leave()
		k.Value.wake()
	}
	return n
}

// Len returns how many wait.
func (q *Waiters) Len() int { return q.line.Len() }
