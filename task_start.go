package corolla

import (
	"errors"
	"fmt"
)

// Eager makes the task run to its first park before the call that starts it returns,
// instead of in the next turn (like Python 3.12's eager_start).
func Eager() TaskOption { return func(t *Task) { t.eager = true } }

// Starter is where a task can be started: in a *Loop, or in a *Group that waits
// for it.
type Starter interface {
	home() *Loop
	adopt(t *Task) error
}

// Go starts body as a task and returns the future of its result. The body runs in the
// next turn, after everything already ready. A body that panics fails the future with a
// *PanicError; a task canceled before its first step never runs its body.
func Go[T any](in Starter, body func(t *Task) (T, error), opts ...TaskOption) *Future[T] {
	w := &job[T]{body: body}
	w.start(in, w, in.home().site(), opts)
	return &w.future
}

// Go starts a body without a result; see the function Go.
func (l *Loop) Go(body func(t *Task) error, opts ...TaskOption) *Future[struct{}] {
	return goPlain(l, body, l.site(), opts)
}

func goPlain(in Starter, body func(t *Task) error, from site, opts []TaskOption) *Future[struct{}] {
	w := &job[struct{}]{plain: body}
	w.start(in, w, from, opts)
	return &w.future
}

func (l *Loop) home() *Loop { return l }

func (l *Loop) adopt(*Task) error {
	if l.state >= closing {
		return ErrLoopClosed
	}
	return nil
}

// job is a task, its body and its future in one allocation.
type job[T any] struct {
	task   Task
	future Future[T]
	body   func(*Task) (T, error)
	plain  func(*Task) error // instead of body
}

func (w *job[T]) start(in Starter, work work, from site, opts []TaskOption) {
	w.future.loop, w.future.task = in.home(), &w.task
	w.task.launch(in, work, from, opts)
}

// launch is the start of every task.
func (t *Task) launch(in Starter, work work, from site, opts []TaskOption) {
	l := in.home()
	l.check("Go")
	t.loop, t.work = l, work
	if from != 0 {
		t.describe().site = from
	}
	t.link.Value = t
	t.place.Value = t
	t.root.task = t
	t.scope = &t.root
	for _, o := range opts {
		o(t)
	}
	if err := in.adopt(t); err != nil {
		t.phase = ended
		if t.detach != nil {
			t.detach()
		}
		work.fail(fmt.Errorf("start of %v: %w", t, err))
		if errors.Is(err, ErrCanceled) { // the group's cancel says enough
			_ = work.outcome()
		}
		return
	}
	l.tasks.Push(&t.link)
	switch {
	case t.queue.Listed(): // it waits for room in its group
	case t.eager:
		l.nested(t.run)
	default:
		l.push(t)
	}
	if l.ending.cause != nil {
		t.Cancel(l.ending.cause)
	}
}

func (w *job[T]) do(t *Task) {
	var v T
	var err error
	if w.plain != nil {
		err = w.plain(t)
	} else {
		v, err = w.body(t)
	}
	if c := t.root.canceled; c != nil && c.scope == &t.root && !t.seen && err == nil {
		err = c // canceled while it ran, and never told (as in asyncio: test_cancel_at_end)
	}
	w.future.settle(v, err)
}

func (w *job[T]) fail(err error) {
	var zero T
	w.future.settle(zero, err)
}

func (w *job[T]) function() any {
	if w.plain != nil {
		return w.plain
	}
	return w.body
}

func (w *job[T]) awaited() bool { return w.future.waiting.Len() > 0 }

func (w *job[T]) outcome() error {
	w.future.look()
	return w.future.err
}
