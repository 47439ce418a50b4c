package corolla

// Waiters is a queue of parked tasks, first in, first out: what locks, queues and
// futures are made of. The zero value is empty.
//
// A task that is canceled while it waits leaves the queue by itself. A task that
// was woken and is canceled before it runs gets an error from Wait too; if something
// was handed over with the wake-up, it must then hand it on.
type Waiters struct {
	first, last *waiter
	n           int
}

// waiter is a place in the queue: of a task, which can be in one queue only and
// so owns its waiter, or of a callback.
type waiter struct {
	in         *Waiters // nil if in none
	next, prev *waiter
	woken      bool // it has left because it was woken
	who        wakeable
}

// wakeable is a task, or a callback that is to be made ready.
type wakeable interface {
	wake()
	belongs() *Loop
}

// check panics when a foreign goroutine calls, before anything is changed. Who waits knows the
// loop; where nobody waits no loop is touched.
func (q *Waiters) check(what string) {
	if q.first != nil {
		q.first.who.belongs().check(what)
	}
}

// Wait parks t until it is woken. What it waits for is on, a string or a
// fmt.Stringer, shown by whoever lists the loop's tasks. The error is t's own, if
// it is canceled; woken tells whether it had been woken before that.
func (q *Waiters) Wait(t *Task, on any) (woken bool, err error) {
	if err := t.willing("Wait"); err != nil {
		return false, err
	}
	q.push(&t.place)
	for err == nil && !t.place.woken { // an Unpark by somebody else changes nothing
		err = t.Park(on)
	}
	t.place.leave()
	return t.place.woken, err
}

// Wake wakes the task that has waited longest and returns it, or nil if none waits.
func (q *Waiters) Wake() *Task {
	w := q.first
	if w == nil {
		return nil
	}
	q.check("Waiters.Wake")
	w.wake()
	t, _ := w.who.(*Task)
	return t
}

// WakeAll wakes every task that waits, in the order in which they came, and
// returns how many there were.
func (q *Waiters) WakeAll() int {
	q.check("Waiters.WakeAll")
	n := q.n
	for q.first != nil {
		q.first.wake()
	}
	return n
}

// Len returns how many wait.
func (q *Waiters) Len() int { return q.n }

func (w *waiter) wake() {
	w.leave()
	w.woken = true
	w.who.wake()
}

func (q *Waiters) push(w *waiter) {
	w.in, w.prev, w.woken = q, q.last, false
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.n++
}

func (w *waiter) leave() {
	q := w.in
	if q == nil {
		return
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	q.n--
	w.in, w.next, w.prev = nil, nil, nil
}
