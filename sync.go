package corolla

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla/internal/ds"
)

// Synchronization of tasks that share a loop. Since nothing else runs between two parks,
// state needs no lock; these are for what must hold across a park. All are first in, first
// out, and none is owned by a task: any task may release a lock. (The rules are asyncio's:
// test_locks.)
//
// A task that is woken, and canceled before it runs, passes the wake-up on.

// Lock is a mutual exclusion lock for tasks. The zero value is unlocked.
type Lock struct {
	waiting Waiters
	locked  bool
	woken   bool // a waiter was woken and has not run yet; while any waits, this or locked is set
}

// LockStats describes a Lock.
type LockStats struct {
	Locked  bool
	Waiting int
}

// Lock parks t until the lock is free, and takes it. A free lock is taken at once unless
// other tasks are in line for it.
func (l *Lock) Lock(t *Task) error {
	if l.TryLock() {
		return nil
	}
	woken, err := l.waiting.Wait(t, l)
	if woken {
		l.woken = false
	}
	if err != nil {
		if woken {
			l.pass()
		}
		return err
	}
	l.locked = true
	return nil
}

// TryLock takes the lock if it is free and no task is in line for it.
func (l *Lock) TryLock() bool {
	if l.locked || l.woken { // a woken waiter as good as holds it
		return false
	}
	l.locked = true
	return true
}

// Unlock releases the lock. It panics if the lock is not held.
func (l *Lock) Unlock() {
	if !l.locked {
		panic("corolla: Unlock of a Lock that is not locked: every Unlock needs a Lock before it")
	}
	l.waiting.check("Lock.Unlock")
	l.locked = false
	l.pass()
}

// pass wakes the next in line.
func (l *Lock) pass() { l.woken = l.waiting.Wake() != nil }

// Locked reports whether the lock is held. A lock that was released, and is on its way to the
// next task in line, is not.
func (l *Lock) Locked() bool { return l.locked }

// Stats returns the current state of the lock.
func (l *Lock) Stats() LockStats {
	s := LockStats{l.locked, l.waiting.Len()}
	if l.woken {
		s.Waiting++
	}
	return s
}

func (l *Lock) String() string { return "a lock" }

// Event is a flag that tasks wait for. The zero value is not set.
type Event struct {
	waiting Waiters
	set     bool
}

// EventStats describes an Event.
type EventStats struct {
	Set     bool
	Waiting int
}

// Set sets the flag and wakes every task that waits for it, even if Clear follows at once.
func (e *Event) Set() {
	e.waiting.check("Event.Set")
	e.set = true
	e.waiting.WakeAll()
}

// Clear resets the flag.
func (e *Event) Clear() { e.set = false }

// IsSet reports whether the flag is set.
func (e *Event) IsSet() bool { return e.set }

// Wait parks t until the flag is set; it returns at once if it is.
func (e *Event) Wait(t *Task) error {
	if e.set {
		return nil
	}
	_, err := e.waiting.Wait(t, e)
	return err
}

// Stats returns the current state of the event.
func (e *Event) Stats() EventStats { return EventStats{e.set, e.waiting.Len()} }

func (e *Event) String() string { return "an event" }

// Semaphore bounds how many tasks do something at once. NewSemaphore and
// NewBoundedSemaphore make one; the zero value has no units.
type Semaphore struct {
	waiting Waiters
	value   int
	limit   int // of a bounded one; 0 is none
}

// SemaphoreStats describes a Semaphore.
type SemaphoreStats struct {
	Value   int // free units
	Waiting int
}

// NewSemaphore returns a semaphore of n units. It panics if n is negative.
func NewSemaphore(n int) *Semaphore {
	if n < 0 {
		panic("corolla: NewSemaphore with fewer than 0 units")
	}
	return &Semaphore{value: n}
}

// NewBoundedSemaphore returns a semaphore of n units that panics when more are released
// than were acquired. It panics if n is less than 1.
func NewBoundedSemaphore(n int) *Semaphore {
	if n < 1 {
		panic("corolla: NewBoundedSemaphore with fewer than 1 unit")
	}
	return &Semaphore{value: n, limit: n}
}

// Acquire parks t until a unit is free, and takes it.
func (s *Semaphore) Acquire(t *Task) error {
	if s.TryAcquire() {
		return nil
	}
	woken, err := s.waiting.Wait(t, s) // the wake-up hands over the unit
	if woken && err != nil {
		s.give()
	}
	return err
}

// TryAcquire takes a unit if one is free and no task is in line for it.
func (s *Semaphore) TryAcquire() bool {
	if s.Locked() {
		return false
	}
	s.value--
	return true
}

// Release gives a unit back, to the next task in line if there is one. It panics on a bounded
// semaphore that already has all its units.
func (s *Semaphore) Release() {
	if s.limit > 0 && s.value == s.limit {
		panic("corolla: Release of a bounded Semaphore that has all its units: every Release needs an Acquire before it")
	}
	s.give()
}

func (s *Semaphore) give() {
	if s.waiting.Wake() == nil {
		s.value++
	}
}

// Locked reports whether Acquire would wait.
func (s *Semaphore) Locked() bool { return s.value == 0 }

// Stats returns the current state of the semaphore.
func (s *Semaphore) Stats() SemaphoreStats { return SemaphoreStats{s.value, s.waiting.Len()} }

func (s *Semaphore) String() string { return "a semaphore" }

// Condition lets tasks that hold a lock wait until others announce a change.
type Condition struct {
	lock    *Lock
	waiting Waiters
}

// ConditionStats describes a Condition.
type ConditionStats struct {
	Lock    LockStats
	Waiting int
}

// NewCondition returns a condition on lock, or on a new lock if that is nil.
func NewCondition(lock *Lock) *Condition {
	if lock == nil {
		lock = new(Lock)
	}
	return &Condition{lock: lock}
}

// L returns the condition's lock.
func (c *Condition) L() *Lock { return c.lock }

// Wait releases the lock, parks t until it is notified, and takes the lock again, even if t
// is canceled meanwhile. It panics if the lock is not held.
func (c *Condition) Wait(t *Task) error {
	c.mustBeLocked("Wait")
	if err := t.willing("Condition.Wait"); err != nil {
		return err // and it has the lock, as always
	}
	c.lock.Unlock()
	woken, err := c.waiting.Wait(t, c)
	for c.lock.locked && t.postpone() { // the task with the lock ends first, and unlocks it
	}
	again := t.Shielded(func(*Scope) error { return c.lock.Lock(t) })
	if err == nil {
		if p := t.pending(); p != nil { // canceled while it waited for the lock
			err = p
		}
	}
	if woken && err != nil {
		c.waiting.Wake()
	}
	return errors.Join(err, again)
}

// WaitFor waits until the predicate holds, asking it each time t is notified.
func (c *Condition) WaitFor(t *Task, holds func() bool) error {
	for !holds() {
		if err := c.Wait(t); err != nil {
			return err
		}
	}
	return nil
}

// Notify wakes n waiting tasks, or all if there are fewer. It panics if the lock is not held.
func (c *Condition) Notify(n int) {
	c.mustBeLocked("Notify")
	for ; n > 0 && c.waiting.Wake() != nil; n-- {
	}
}

// NotifyAll wakes every waiting task. It panics if the lock is not held.
func (c *Condition) NotifyAll() {
	c.mustBeLocked("NotifyAll")
	c.waiting.WakeAll()
}

func (c *Condition) mustBeLocked(what string) {
	if !c.lock.locked {
		panic("corolla: " + what + " of a Condition whose lock is not locked: lock L first")
	}
}

// Stats returns the current state of the condition.
func (c *Condition) Stats() ConditionStats {
	return ConditionStats{c.lock.Stats(), c.waiting.Len()}
}

func (c *Condition) String() string { return "a condition" }

// ErrBarrierBroken is returned to the tasks at a barrier that was reset or aborted.
var ErrBarrierBroken = errors.New("corolla: the barrier is broken")

// Barrier makes n tasks wait for each other: the last to arrive releases them all.
type Barrier struct {
	n       int
	broken  bool
	arrived ds.List[arrival]
	waiting Waiters
}

// arrival is one task at the barrier, and what its Wait will return.
type arrival struct {
	index int
	err   error
}

// BarrierStats describes a Barrier.
type BarrierStats struct {
	Parties int
	Waiting int
	Broken  bool
}

// NewBarrier returns a barrier for n tasks. It panics if n is less than 1.
func NewBarrier(n int) *Barrier {
	if n < 1 {
		panic("corolla: NewBarrier for fewer than 1 task")
	}
	return &Barrier{n: n}
}

// Wait parks t until n tasks are at the barrier, and returns t's index among them, from 0 to
// n-1 in order of arrival. A task that is canceled leaves, and does not break the barrier.
func (b *Barrier) Wait(t *Task) (int, error) {
	if b.broken {
		return 0, ErrBarrierBroken
	}
	if b.arrived.Len() < b.n-1 { // otherwise t is the last, and does not wait
		if err := t.willing("Barrier.Wait"); err != nil {
			return 0, err
		}
	}
	a := new(ds.Link[arrival])
	b.arrived.Push(a)
	if b.arrived.Len() == b.n {
		b.release(nil)
		return a.Value.index, nil
	}
	if _, err := b.waiting.Wait(t, b); err != nil {
		a.Leave()
		return 0, err
	}
	return a.Value.index, a.Value.err
}

// release releases all waiting tasks.
func (b *Barrier) release(err error) {
	b.waiting.check("a Barrier's Wait, Reset or Abort")
	for i := 0; b.arrived.Len() > 0; i++ {
		a := b.arrived.First()
		a.Value = arrival{i, err}
		a.Leave()
	}
	b.waiting.WakeAll()
}

// Reset makes all waiting tasks return ErrBarrierBroken, and makes the barrier usable again.
func (b *Barrier) Reset() {
	b.release(ErrBarrierBroken)
	b.broken = false
}

// Abort breaks the barrier: all waiting tasks, and all that arrive before Reset, get
// ErrBarrierBroken.
func (b *Barrier) Abort() {
	b.broken = true
	b.release(ErrBarrierBroken)
}

// Stats returns the current state of the barrier.
func (b *Barrier) Stats() BarrierStats { return BarrierStats{b.n, b.waiting.Len(), b.broken} }

func (b *Barrier) String() string {
	return fmt.Sprintf("a barrier with %d of %d", b.arrived.Len(), b.n)
}
