package green

import (
	"context"
	"time"

	"github.com/corolla-go/corolla"
)

// Thread is a green thread and its result. Any number of threads may wait for it, any number of
// times: each gets the same value or the same error.
//
// An error that nobody waits for reaches the loop's error handler, as a corolla.UnseenError; that
// of a thread that was killed or canceled does not.
type Thread[T any] struct {
	job    corolla.Job
	hub    *Hub
	body   func() (T, error)
	plain  func() error // instead of body
	delay  time.Duration
	pool   *Pool // that it has a place in
	links  []*link[T]
	value  T
	err    error
	killed error
	unseen *corolla.Unseen

	waiting corolla.Waiters
	started bool
	extra   bool // has no place in the pool: the thread that started it waits for it
	dead    bool
}

// Starter is where a thread can be started: a *Hub, or a *Pool once it has room.
type Starter interface {
	// enter waits for room. The thread is an extra one if the caller would wait for itself.
	enter(what string) (h *Hub, p *Pool, extra bool)
}

func (h *Hub) enter(string) (*Hub, *Pool, bool) { return h, nil, false }

// Go starts f as a green thread, in the next turn: it never runs within the call (Eventlet's spawn;
// in a Pool, see Pool.Go). A panic in f ends only that thread, and is its error. The options are
// those of tasks: corolla.Name, corolla.With.
func Go[T any](in Starter, f func() (T, error), opts ...corolla.TaskOption) *Thread[T] {
	return begin(in, &Thread[T]{body: f}, opts)
}

// Go starts a function without a result; see the function Go.
func (h *Hub) Go(f func() error, opts ...corolla.TaskOption) *Thread[struct{}] {
	return begin(h, &Thread[struct{}]{plain: f}, opts)
}

// GoAfter is Go once d has passed. Until then the thread can be canceled. It belongs to the hub, so
// it begins even if the calling thread has ended (Eventlet's spawn_after).
func (h *Hub) GoAfter(d time.Duration, f func() error, opts ...corolla.TaskOption) *Thread[struct{}] {
	return begin(h, &Thread[struct{}]{plain: f, delay: d}, opts)
}

func begin[T any](in Starter, th *Thread[T], opts []corolla.TaskOption) *Thread[T] {
	th.hub, th.pool, th.extra = in.enter("green.Go")
	if th.extra {
		opts = append(opts[:len(opts):len(opts)], corolla.Eager())
	}
	th.job.Start(th.hub.loop, (*body[T])(th), opts...)
	if th.extra {
		th.attend()
	}
	return th
}

// attend waits for an extra thread, which counts as part of the thread that started it.
func (th *Thread[T]) attend() {
	th.hub.wait("green.Pool.Go", func(t *corolla.Task) error {
		err := th.await(t)
		if err != nil {
			th.Kill(err)
		}
		return err
	})
}

// body is a Thread as its task's body.
type body[T any] Thread[T]

// Run is what the task runs. Its frame is on the stack of every waiting thread, so rare cases are
// handled elsewhere.
func (b *body[T]) Run(t *corolla.Task) error {
	th := (*Thread[T])(b)
	if th.pool != nil || th.delay > 0 || th.killed != nil {
		if err := th.prepare(t); err != nil {
			return err
		}
	}
	th.started = true
	return th.call()
}

// prepare does what may come before the thread's function, or instead of it.
//
//go:noinline
func (th *Thread[T]) prepare(t *corolla.Task) error {
	if th.pool != nil {
		th.pool.joined(t)
	}
	if th.delay > 0 && th.killed == nil {
		if err := t.Sleep(th.delay); err != nil {
			return err
		}
	}
	return th.killed
}

func (th *Thread[T]) call() (err error) {
	if th.plain != nil {
		return th.plain()
	}
	th.value, err = th.body()
	return err
}

// Ended is called when the task ends, and within the task unless the body never ran.
func (b *body[T]) Ended(err error) {
	th := (*Thread[T])(b)
	th.settle(err)
	defer th.wake()
	th.runLinks()
}

// Function is for lists and reports.
func (b *body[T]) Function() any {
	if b.plain != nil {
		return b.plain
	}
	return b.body
}

// settle records the result. A thread that was killed, and failed with no other error, gets the
// error that it was killed with.
func (th *Thread[T]) settle(err error) {
	if err != nil && th.killed != nil && corolla.IsOnly(err, th.killed, corolla.ErrCanceled) {
		err = th.killed
	}
	th.dead, th.err = true, err
	if err != nil && err != th.killed && !harmless(err) {
		th.unseen = corolla.ReportUnseen(th.hub.loop, th, err, th.String())
	}
}

// harmless reports whether an error says only that something was ended.
func harmless(err error) bool {
	return corolla.IsOnly(err, corolla.ErrLoopClosed, corolla.ErrCanceled, context.Canceled)
}

// wake wakes the threads that wait for this one, and those that wait for room in the pool.
func (th *Thread[T]) wake() {
	th.waiting.WakeAll()
	if th.pool != nil {
		th.pool.left(th.Task(), th.extra)
	}
}

// Wait waits until the thread has ended, and returns its result. The error is a *corolla.PanicError
// if it panicked, and the error given to Kill if it was killed. A timeout ends only the wait.
func (th *Thread[T]) Wait() (T, error) {
	th.hub.wait("green.Thread.Wait", func(t *corolla.Task) error {
		if t == th.Task() && !th.dead { // in a link it is
			panic("green: a thread waits for its own end, which would never come")
		}
		return th.await(t)
	})
	return th.Result()
}

func (th *Thread[T]) await(t *corolla.Task) (err error) {
	for !th.dead && err == nil {
		_, err = th.waiting.Wait(t, th)
	}
	return err
}

// Join is Wait for only the error.
func (th *Thread[T]) Join() error {
	_, err := th.Wait()
	return err
}

// Result returns the result of a thread that has ended, or corolla.ErrPending.
func (th *Thread[T]) Result() (T, error) {
	th.hub.loop.Check("green.Thread.Result")
	if !th.dead {
		return th.value, corolla.ErrPending
	}
	if th.unseen != nil {
		th.unseen.Seen()
		th.unseen = nil
	}
	return th.value, th.err
}

// Task returns the thread's task.
func (th *Thread[T]) Task() *corolla.Task { return th.job.Task() }

// Started reports whether the thread's function has begun.
func (th *Thread[T]) Started() bool {
	th.hub.loop.Check("green.Thread.Started")
	return th.started
}

// Dead reports whether the thread has ended.
func (th *Thread[T]) Dead() bool {
	th.hub.loop.Check("green.Thread.Dead")
	return th.dead
}

// Name returns the name that the thread was started with, or "" if it was none.
func (th *Thread[T]) Name() string { return th.Task().Name() }

func (th *Thread[T]) String() string { return th.Task().String() }

// Kill ends the thread where it waits, with err, which Wait then returns unchanged; nil means
// ErrKilled. The thread is unwound when it next runs; Kill does not wait for that, but Join does. A
// thread that has not begun never does, but its links are called. Kill reports whether the thread
// had neither ended nor been killed before; one that has ended keeps its result. A thread that
// kills itself ends there.
//
// A killed thread cannot live on: a call on a Conn that it was waiting in returns an error, and so
// does every later one; if it goes on regardless, or recovers from being unwound, it is unwound
// again once it has used up its cleanup limits.
func (th *Thread[T]) Kill(err error) bool {
	th.hub.loop.Check("green.Thread.Kill")
	if th.dead || th.killed != nil {
		return false
	}
	if err == nil {
		err = ErrKilled
	}
	th.killed = err
	if !th.started {
		th.Task().Unpark() // from its delay, if it has one
		return true
	}
	t := th.Task()
	t.Cancel(err)
	if th.hub.loop.Current() == t {
		th.hub.unwind(t)
	}
	return true
}

// Cancel is Kill for a thread that has not begun; it does nothing to any other. It reports whether
// it killed the thread.
func (th *Thread[T]) Cancel(err error) bool {
	th.hub.loop.Check("green.Thread.Cancel")
	return !th.started && th.Kill(err)
}
