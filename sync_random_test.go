package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// Random programs of tasks that lock, queue, wait, time out and cancel each other, on a
// simulated loop. Whatever they do: nobody is woken out of turn or left behind, nothing is
// taken twice or lost, every task ends once, and nothing leaks.

func TestRandomPrograms(t *testing.T) {
	seeds := uint64(10_000)
	if testing.Short() {
		seeds = 500
	}
	for seed := range seeds {
		randomProgram(t, seed, 0)
		if t.Failed() {
			t.Fatalf("failed with seed %d", seed)
		}
	}
}

func FuzzRandomPrograms(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, seed, mutation uint64) { randomProgram(t, seed, mutation) })
}

// world is what the tasks of one program share, and what is known of it.
type world struct {
	t    testing.TB
	rng  *rand.Rand
	loop *corolla.Loop

	lock     corolla.Lock
	inLock   int
	lockLine line

	sem     *corolla.Semaphore
	inSem   int
	semLine line

	queue   *corolla.Queue[int]
	size    int
	putLine line
	getLine line
	put     map[int]bool // values whose Put succeeded, and that nobody got
	values  int

	event   corolla.Event
	cond    *corolla.Condition
	barrier *corolla.Barrier

	tasks []*corolla.Future[struct{}]
	begun int
	ended map[int]int
}

const semUnits = 2

func randomProgram(t testing.TB, seed, mutation uint64) {
	t.Helper()
	sw := sim.New(seed)
	var log errorLog
	l := sw.NewLoop(corolla.ErrorHandler(log.add))
	rng := rand.New(rand.NewPCG(seed, mutation))
	size := []int{-1, 0, 1, 3}[rng.IntN(4)]
	w := &world{
		t: t, rng: rng, loop: l, sem: corolla.NewSemaphore(semUnits), size: size,
		queue: corolla.NewQueue[int](size), put: map[int]bool{}, cond: corolla.NewCondition(nil),
		barrier: corolla.NewBarrier(2), ended: map[int]int{},
	}
	err := l.Run(func(task *corolla.Task) error {
		err := task.Group(func(g *corolla.Group) error {
			for range 2 + rng.IntN(5) {
				w.start(g)
			}
			return nil
		})
		return errors.Join(err, turns(task, 2)) // for the callbacks of the last to end
	})
	if err != nil {
		t.Errorf("Run = %v", err)
	}
	w.check()
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	for _, err := range log.errs {
		t.Errorf("reached the error handler: %v", err)
	}
}

func (w *world) start(g *corolla.Group) {
	id := w.begun
	w.begun++
	opts := []corolla.TaskOption{corolla.Name(fmt.Sprint("task ", id))}
	if w.rng.IntN(4) == 0 {
		opts = append(opts, corolla.Eager())
	}
	f := g.Go(func(task *corolla.Task) error {
		for range 3 + w.rng.IntN(10) {
			if err := w.step(task, g); err != nil {
				return err
			}
		}
		return nil
	}, opts...)
	f.OnDone(func(f *corolla.Future[struct{}]) {
		w.ended[id]++
		if _, err := f.Result(); err != nil && !errors.Is(err, corolla.ErrCanceled) && !errors.Is(err, corolla.ErrGroupOver) {
			w.t.Errorf("task %d ends with %v", id, err)
		}
	})
	w.tasks = append(w.tasks, f)
}

// step does something that ends, since it has a limit of time.
func (w *world) step(task *corolla.Task, g *corolla.Group) error {
	limit := time.Duration(w.rng.IntN(5)) * time.Millisecond
	err := task.Timeout(limit, func(s *corolla.Scope) error {
		if w.rng.IntN(10) == 0 {
			s.SetTimeout(limit / 2)
		}
		return w.act(task, g)
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

func (w *world) act(task *corolla.Task, g *corolla.Group) error {
	switch w.rng.IntN(14) {
	case 0:
		return task.Yield()
	case 1:
		return task.Sleep(time.Duration(w.rng.IntN(4)) * time.Millisecond)
	case 2, 3:
		return w.underLock(task)
	case 4, 5:
		return w.withUnit(task)
	case 6, 7:
		return w.doPut(task)
	case 8, 9:
		return w.doGet(task)
	case 10:
		if n := len(w.tasks); n > 0 { // else this is the first, and eager
			w.tasks[w.rng.IntN(n)].Cancel(context.Canceled)
		}
		return nil
	case 11:
		return w.signal(task)
	case 12:
		if w.begun < 20 {
			w.start(g)
		}
		return nil
	default:
		return task.Shielded(func(*corolla.Scope) error {
			if err := task.Sleep(time.Millisecond); err != nil {
				w.t.Errorf("a shielded sleep: %v", err)
			}
			return nil
		})
	}
}

func (w *world) underLock(task *corolla.Task) error {
	leave := w.lockLine.enter(task)
	err := w.lock.Lock(task)
	leave(w.t, "lock", err == nil)
	if err != nil {
		return err
	}
	defer w.lock.Unlock()
	if w.inLock++; w.inLock != 1 {
		w.t.Errorf("%d tasks hold the lock", w.inLock)
	}
	defer func() { w.inLock-- }()
	return task.Yield()
}

func (w *world) withUnit(task *corolla.Task) error {
	leave := w.semLine.enter(task)
	err := w.sem.Acquire(task)
	leave(w.t, "semaphore", err == nil)
	if err != nil {
		return err
	}
	defer w.sem.Release()
	if w.inSem++; w.inSem > semUnits {
		w.t.Errorf("%d tasks have a unit of the semaphore", w.inSem)
	}
	defer func() { w.inSem-- }()
	return task.Sleep(time.Duration(w.rng.IntN(2)) * time.Millisecond)
}

func (w *world) doPut(task *corolla.Task) error {
	w.values++
	v := w.values
	w.put[v] = true // a getter may be quicker to run than we are
	leave := w.putLine.enter(task)
	err := w.queue.Put(task, v)
	leave(w.t, "put", err == nil)
	if err != nil {
		if !w.put[v] {
			w.t.Errorf("value %d was got although its Put failed: %v", v, err)
		}
		delete(w.put, v)
	}
	if n := w.queue.Len(); w.size >= 0 && n > max(w.size, 0)+len(w.tasks) {
		w.t.Errorf("%d values in a queue of size %d", n, w.size)
	}
	return err
}

func (w *world) doGet(task *corolla.Task) error {
	leave := w.getLine.enter(task)
	v, err := w.queue.Get(task)
	leave(w.t, "get", err == nil)
	if err != nil {
		return err
	}
	if !w.put[v] {
		w.t.Errorf("value %d was got twice, or never put", v)
	}
	delete(w.put, v)
	w.queue.TaskDone()
	return nil
}

func (w *world) signal(task *corolla.Task) error {
	switch w.rng.IntN(4) {
	case 0:
		w.event.Set()
		w.event.Clear()
		return nil
	case 1:
		return w.event.Wait(task)
	case 2:
		_, err := w.barrier.Wait(task)
		return err
	}
	if err := w.cond.L().Lock(task); err != nil {
		return err
	}
	defer w.cond.L().Unlock()
	if w.rng.IntN(2) == 0 {
		w.cond.Notify(1)
		return nil
	}
	return w.cond.Wait(task)
}

// check is what must hold when all is over.
func (w *world) check() {
	for id := range w.begun {
		if w.ended[id] != 1 {
			w.t.Errorf("task %d ended %d times", id, w.ended[id])
		}
	}
	if n := len(w.loop.Tasks()); n != 0 {
		w.t.Errorf("%d tasks are left: %v", n, w.loop.Tasks())
	}
	if s := w.lock.Stats(); s != (corolla.LockStats{}) {
		w.t.Errorf("the lock is left as %+v", s)
	}
	if s := w.sem.Stats(); s != (corolla.SemaphoreStats{Value: semUnits}) {
		w.t.Errorf("the semaphore is left as %+v", s)
	}
	if s := w.queue.Stats(); s.Getting != 0 || s.Putting != 0 || s.Unfinished != len(w.put) {
		w.t.Errorf("the queue is left as %+v, with %d values put and not got", s, len(w.put))
	}
	for w.queue.Len() > 0 {
		v, err := w.queue.TryGet()
		if err != nil || !w.put[v] {
			w.t.Errorf("left in the queue: %d, %v", v, err)
		}
		delete(w.put, v)
	}
	if len(w.put) != 0 {
		w.t.Errorf("values lost: %v", w.put)
	}
	if n := w.event.Stats().Waiting + w.cond.Stats().Waiting + w.barrier.Stats().Waiting; n != 0 {
		w.t.Errorf("%d waiters are left", n)
	}
	if w.cond.L().Locked() {
		w.t.Error("the condition's lock is left locked")
	}
}

// line is who waits for something, in the order in which they came.
type line struct{ waiting []*corolla.Task }

// enter puts a task at the end. leave takes it out, and checks that nobody before it still
// waits if it got what it waited for. (One that was served, and has not run yet, does not.)
func (q *line) enter(task *corolla.Task) (leave func(t testing.TB, what string, got bool)) {
	q.waiting = append(q.waiting, task)
	return func(t testing.TB, what string, got bool) {
		i := slices.Index(q.waiting, task)
		for _, before := range q.waiting[:i] {
			if got && parked(before) {
				t.Errorf("%s: %s was served before %s", what, task.Name(), before.Name())
			}
		}
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

func parked(task *corolla.Task) bool {
	for _, info := range task.Loop().Tasks() {
		if info.Task == task {
			return info.On != ""
		}
	}
	return false
}
