package corolla

import (
	"errors"

	"github.com/corolla-go/corolla/internal/ds"
)

// Errors of a Queue.
var (
	// ErrQueueFull is returned by TryPut on a full queue.
	ErrQueueFull = errors.New("corolla: the queue is full")
	// ErrQueueEmpty is returned by TryGet on an empty queue.
	ErrQueueEmpty = errors.New("corolla: the queue is empty")
	// ErrQueueShutdown is returned by a queue after Shutdown.
	ErrQueueShutdown = errors.New("corolla: the queue was shut down")
)

// Queue passes values between tasks. Tasks that wait to put, and tasks that wait to get, are
// served in the order in which they came, and a value goes to the task that it wakes: no other
// task can take it in between.
type Queue[T any] struct {
	size       int // < 0 is no limit
	items      store[T]
	getters    Waiters
	putters    Waiters
	unfinished int // values put and not yet done with
	joining    Waiters
	shut       bool
	dropped    bool       // by an immediate Shutdown
	spare      []*cell[T] // a few unused cells
}

// cell holds the value of a waiting task.
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
	Size       int // how many values fit; less than 0 is no limit
	Getting    int // tasks that wait to get
	Putting    int // tasks that wait to put
	Unfinished int // values that were put, and not yet reported by TaskDone
	Shutdown   bool
}

// NewQueue returns a first-in, first-out queue. It has room for size values; with a size
// of 0, Put returns only when a Get takes the value, as with a Go channel, and a size of
// less than 0 is no limit.
func NewQueue[T any](size int) *Queue[T] { return &Queue[T]{size: size, items: new(ds.FIFO[T])} }

// NewLIFOQueue returns a last-in, first-out queue; see NewQueue for size.
func NewLIFOQueue[T any](size int) *Queue[T] { return &Queue[T]{size: size, items: new(ds.LIFO[T])} }

// NewPriorityQueue returns a queue that gives the least value first, and equal ones in the
// order in which they were put; see NewQueue for size.
func NewPriorityQueue[T any](size int, less func(a, b T) bool) *Queue[T] {
	return &Queue[T]{size: size, items: ds.NewPriority(less)}
}

// Put parks t until there is room, and puts v. If t is canceled while it waits, v is not
// put; if v had already been taken, Put succeeds and t's next wait is canceled.
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

// check panics if a foreign goroutine calls while tasks wait.
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

// first returns the cell of the first task in line.
func first[T any](q *Waiters) (*cell[T], bool) {
	if q.Len() == 0 {
		return nil, false
	}
	return q.line.First().Value.(*Task).slot.(*cell[T]), true
}

// Get parks t until there is a value, and takes it. If t is canceled just as it is handed a
// value, the value goes to the next task in line, or back to its place in the queue.
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
		if waits { // and now there is room
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

// admit tells the first putter in line that its value is taken.
func (q *Queue[T]) admit(c *cell[T]) {
	c.done = true
	q.unfinished++
	q.putters.Wake()
}

// maxSpare is how many cells a queue keeps for later waits.
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

// TaskDone reports that one of the values taken is done with; see Join. It panics if it is
// called more often than values were put.
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

// Shutdown ends the queue: Put, even one that is waiting, returns ErrQueueShutdown, and so
// does Get once the queue is empty. If immediate, the values in the queue are dropped, and
// count as done with.
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

// Stats returns the current state of the queue.
func (q *Queue[T]) Stats() QueueStats {
	return QueueStats{q.items.Len(), q.size, q.getters.Len(), q.putters.Len(), q.unfinished, q.shut}
}

func (q *Queue[T]) String() string { return "a queue" }
