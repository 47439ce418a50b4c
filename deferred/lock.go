package deferred

import (
	"container/list"
	"errors"

	"github.com/corolla-go/corolla"
)

// Locks and queues hand over at once: Release and Put run the callbacks of whoever waits before they
// return, where those of package corolla wake a task in the next turn.

// Semaphore is a number of places that are taken in the order of asking (DeferredSemaphore).
type Semaphore struct {
	loop        *corolla.Loop
	limit, free int
	waiting     list.List // of *Deferred[*Semaphore]
}

// NewSemaphore returns a semaphore with n places. It panics if n is less than 1.
func NewSemaphore(l *corolla.Loop, n int) *Semaphore {
	l.Check("NewSemaphore")
	if n < 1 {
		panic("deferred: NewSemaphore with less than 1 place: nobody could ever acquire it")
	}
	return &Semaphore{loop: l, limit: n, free: n}
}

// NewLock returns a semaphore with one place, which is a lock (DeferredLock).
func NewLock(l *corolla.Loop) *Semaphore { return NewSemaphore(l, 1) }

// Acquire takes a place, and returns a Deferred that fires, with the semaphore, when there is one.
// Canceling it gives up waiting.
func (s *Semaphore) Acquire() *Deferred[*Semaphore] {
	site := s.loop.CallSite()
	if s.free > 0 {
		s.free--
		return &Deferred[*Semaphore]{loop: s.loop, called: true, value: s, origin: made(site)}
	}
	return waitIn[*Semaphore](s.loop, &s.waiting, site)
}

// waitIn returns a Deferred that waits in a line, and leaves it when it is canceled.
func waitIn[T any](l *corolla.Loop, line *list.List, site string) *Deferred[T] {
	d := &Deferred[T]{loop: l, origin: made(site)}
	place := line.PushBack(d)
	d.canceler = func(*Deferred[T], error) { line.Remove(place) }
	return d
}

// serve fires the Deferred that has waited longest, and reports whether there was one.
func serve[T any](line *list.List, v T) bool {
	for first := line.Front(); first != nil; first = line.Front() {
		d := line.Remove(first).(*Deferred[T])
		if d.Callback(v) == nil {
			return true
		}
	}
	return false
}

// Release gives a place back, and if somebody waits hands it over before it returns. It panics if no
// place is taken.
func (s *Semaphore) Release() {
	s.loop.Check("Semaphore.Release")
	if s.free == s.limit {
		panic("deferred: Release of a Semaphore that nobody has acquired: call it once for each Acquire that has fired")
	}
	if !serve(&s.waiting, s) {
		s.free++
	}
}

// SemaphoreStats describes a Semaphore.
type SemaphoreStats struct {
	Limit   int
	Free    int
	Waiting int
}

// Stats returns the current state of the semaphore.
func (s *Semaphore) Stats() SemaphoreStats {
	s.loop.Check("Semaphore.Stats")
	return SemaphoreStats{s.limit, s.free, s.waiting.Len()}
}

// Run calls f with a place taken, and gives it back when what f returns has its result, or f panics
// (run of DeferredLock and DeferredSemaphore). Canceling what Run returns gives up waiting, or cancels
// what f has returned.
func Run[T any](s *Semaphore, f func() *Deferred[T]) *Deferred[T] {
	return ThenChain(s.Acquire(), func(*Semaphore) *Deferred[T] {
		return DoChain(s.loop, f).AddBoth(func(v T, err error) (T, error) {
			s.Release()
			return v, err
		})
	})
}

// ErrTooManyWaiting is the error of a Get from an empty queue for which as many wait as may
// (QueueUnderflow).
var ErrTooManyWaiting = errors.New("deferred: too many wait for the queue already")

// Queue holds values until somebody gets them, or Deferreds until somebody puts values (DeferredQueue).
type Queue[T any] struct {
	loop          *corolla.Loop
	size, backlog int
	values        list.List // of T
	waiting       list.List // of *Deferred[T]
}

// NewQueue returns a queue for at most size values, and at most backlog Deferreds that wait for one.
// Less than 0 is no limit.
func NewQueue[T any](l *corolla.Loop, size, backlog int) *Queue[T] {
	l.Check("NewQueue")
	return &Queue[T]{loop: l, size: size, backlog: backlog}
}

// Put gives a value to whoever has waited longest, before it returns, or else keeps it. On a full queue
// it returns corolla.ErrQueueFull (QueueOverflow).
func (q *Queue[T]) Put(v T) error {
	q.loop.Check("Queue.Put")
	switch {
	case serve(&q.waiting, v):
	case q.size >= 0 && q.values.Len() >= q.size:
		return corolla.ErrQueueFull
	default:
		q.values.PushBack(v)
	}
	return nil
}

// Get returns a Deferred of the oldest value, which fires when there is one, or fails at once with
// ErrTooManyWaiting. Canceling it gives up waiting.
func (q *Queue[T]) Get() *Deferred[T] {
	site := q.loop.CallSite()
	switch first := q.values.Front(); {
	case first != nil:
		v, _ := q.values.Remove(first).(T) // a nil interface has no type
		return &Deferred[T]{loop: q.loop, called: true, value: v, origin: made(site)}
	case q.backlog >= 0 && q.waiting.Len() >= q.backlog:
		d := &Deferred[T]{loop: q.loop, origin: made(site)}
		d.raised("Queue.Get", "")
		d.fire(d.value, ErrTooManyWaiting)
		return d
	default:
		return waitIn[T](q.loop, &q.waiting, site)
	}
}

// QueueStats describes a Queue.
type QueueStats struct {
	Values  int
	Waiting int // Deferreds that wait for a value
}

// Stats returns the current state of the queue.
func (q *Queue[T]) Stats() QueueStats {
	q.loop.Check("Queue.Stats")
	return QueueStats{q.values.Len(), q.waiting.Len()}
}
