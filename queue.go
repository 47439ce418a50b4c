package corolla

import (
	"errors"

	"github.com/corolla-go/corolla/internal/ds"
)

// Errors of a Queue.
var (
	// ErrQueueFull is returned by TryPut on a queue that has no room.
	ErrQueueFull = errors.New("corolla: the queue is full")
	// ErrQueueEmpty is returned by TryGet on a queue that has nothing.
	ErrQueueEmpty = errors.New("corolla: the queue is empty")
	// ErrQueueShutdown is returned by a queue after Shutdown.
	ErrQueueShutdown = errors.New("corolla: the queue was shut down")
)

// Queue hands values from tasks to tasks. Those who wait to put and those who wait to get
// have their turn in the order in which they came, and a value goes to the task that it
// wakes: nobody can take it away in between.
type Queue[T any] struct {
	size       int // < 0 is no limit
	items      store[T]
	getters    Waiters
	putters    Waiters
	unfinished int // values put and not done with
	joining    Waiters
	shut       bool
	dropped    bool       // by a Shutdown at once
	spare      []*cell[T] // a few cells that nobody uses
}

// cell is where a waiting task's value lies.
type cell[T any] struct {
	value T
	done  bool // the value was handed over
}

// store keeps what is in the queue.
type store[T any] interface {
	Push(v T)
	Unpop(v T) // takes back what Pop gave
	Pop() T
	Len() int
}

// QueueStats describes a Queue.
type QueueStats struct {
	Len        int
	Size       int // room for so many; less than 0 is no limit
	Getting    int // tasks that wait to get
	Putting    int // tasks that wait to put
	Unfinished int // values that were put, and not reported by TaskDone
	Shutdown   bool
}

// NewQueue returns a queue that gives first what was put first. It has room for size
// values; with a size of 0 a Put returns only when there is a Get for the value, as with
// a channel of Go's, and a size of less than 0 is no limit.
func NewQueue[T any](size int) *Queue[T] { return &Queue[T]{size: size, items: new(ds.FIFO[T])} }

// NewLIFOQueue returns a queue that gives first what was put last.
func NewLIFOQueue[T any](size int) *Queue[T] { return &Queue[T]{size: size, items: new(ds.LIFO[T])} }

// NewPriorityQueue returns a queue that gives the least value first, and of equal ones
// that which was put first.
func NewPriorityQueue[T any](size int, less func(a, b T) bool) *Queue[T] {
	return &Queue[T]{size: size, items: ds.NewPriority(less)}
}

// Put parks t until there is room, and puts v. If t is canceled while it waits, v is not
// in the queue; if v had been taken already, Put succeeds and what t waits for next is
// canceled.
func (q *Queue[T]) Put(t *Task, v T) error {
	t.mustRun("Queue.Put")
	err := q.TryPut(v)
	if err != ErrQueueFull {
		return err
	}
	c := q.cell()
	c.value = v
	t.slot = c
	_, err = q.putters.Wait(t, q)
	done := c.done
	q.free(c)
	switch {
	case done:
		return nil
	case err == nil:
		return ErrQueueShutdown
	}
	return err
}

// TryPut puts v if there is room, or returns ErrQueueFull.
func (q *Queue[T]) TryPut(v T) error {
	q.check("Queue.Put")
	if q.shut {
		return ErrQueueShutdown
	}
	if !q.hand(v) {
		if q.size >= 0 && q.items.Len() >= q.size {
			return ErrQueueFull
		}
		q.items.Push(v)
	}
	q.unfinished++
	return nil
}

// check panics when a foreign goroutine calls although tasks wait.
func (q *Queue[T]) check(what string) {
	q.getters.check(what)
	q.putters.check(what)
}

// hand gives v to the getter that has waited longest.
func (q *Queue[T]) hand(v T) bool {
	c, ok := first[T](&q.getters)
	if !ok {
		return false
	}
	c.value, c.done = v, true
	q.getters.Wake()
	return true
}

// first returns the cell of the first in a line.
func first[T any](q *Waiters) (*cell[T], bool) {
	if q.Len() == 0 {
		return nil, false
	}
	return q.line.First().Value.(*Task).slot.(*cell[T]), true
}

// Get parks t until there is a value, and takes it. If t is canceled in the moment in
// which it is handed a value, the value goes to the next, or back to where it was taken.
func (q *Queue[T]) Get(t *Task) (T, error) {
	t.mustRun("Queue.Get")
	v, err := q.TryGet()
	if err != ErrQueueEmpty {
		return v, err
	}
	c := q.cell()
	t.slot = c
	_, err = q.getters.Wait(t, q)
	got, done := c.value, c.done
	q.free(c)
	switch {
	case err != nil:
		switch {
		case done && q.dropped:
			q.TaskDone()
		case done && !q.hand(got):
			q.items.Unpop(got)
		}
		return v, err
	case !done:
		return v, ErrQueueShutdown
	}
	return got, nil
}

// TryGet takes a value if there is one, or returns ErrQueueEmpty.
func (q *Queue[T]) TryGet() (v T, err error) {
	q.check("Queue.Get")
	c, waits := first[T](&q.putters)
	switch {
	case q.items.Len() > 0:
		v = q.items.Pop()
		if waits { // for the room that there is now
			q.items.Push(c.value)
			q.admit(c)
		}
	case waits: // a queue of size 0
		v = c.value
		q.admit(c)
	case q.shut:
		return v, ErrQueueShutdown
	default:
		return v, ErrQueueEmpty
	}
	return v, nil
}

// admit tells the first of the putters that its value is taken.
func (q *Queue[T]) admit(c *cell[T]) {
	c.done = true
	q.unfinished++
	q.putters.Wake()
}

// maxSpare is how many cells a queue keeps for those who wait next.
const maxSpare = 16

func (q *Queue[T]) cell() *cell[T] {
	n := len(q.spare)
	if n == 0 {
		return new(cell[T])
	}
	c := q.spare[n-1]
	q.spare = q.spare[:n-1]
	return c
}

func (q *Queue[T]) free(c *cell[T]) {
	*c = cell[T]{}
	if len(q.spare) < maxSpare {
		q.spare = append(q.spare, c)
	}
}

// TaskDone says that one value that was taken is done with; see Join. It panics when it
// is called more often than values were put.
func (q *Queue[T]) TaskDone() {
	if q.unfinished == 0 {
		panic("corolla: TaskDone of a Queue called more often than values were put")
	}
	if q.unfinished--; q.unfinished == 0 {
		q.joining.WakeAll()
	}
}

// Join parks t until every value that was put has been reported by TaskDone.
func (q *Queue[T]) Join(t *Task) error {
	if q.unfinished == 0 {
		return nil
	}
	_, err := q.joining.Wait(t, "the values of a queue to be done with")
	return err
}

// Shutdown ends the queue: a Put, also one that waits, returns ErrQueueShutdown, and a Get
// does when the queue is empty. If immediate, what is in the queue is dropped, and counts
// as done with.
func (q *Queue[T]) Shutdown(immediate bool) {
	q.check("Queue.Shutdown")
	q.shut = true
	if immediate {
		q.dropped = true
		for q.items.Len() > 0 {
			q.items.Pop()
			q.TaskDone()
		}
	}
	q.putters.WakeAll()
	q.getters.WakeAll()
}

// Len returns how many values are in the queue.
func (q *Queue[T]) Len() int { return q.items.Len() }

// Stats returns how the queue stands.
func (q *Queue[T]) Stats() QueueStats {
	return QueueStats{q.items.Len(), q.size, q.getters.Len(), q.putters.Len(), q.unfinished, q.shut}
}

func (q *Queue[T]) String() string { return "a queue" }
