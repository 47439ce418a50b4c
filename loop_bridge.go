package corolla

import (
	"context"
	"fmt"
	"sync/atomic"
)

// What follows connects a loop with goroutines that do not run it. Everything else that
// they want they can Post.

// Call runs body as a task on the loop and waits for its result: it blocks the goroutine
// that calls. On the goroutine that runs the loop it panics, for it would wait for itself. When
// ctx ends the task is canceled; Call then returns what the task does, or a *CanceledError if the
// loop does not run. After Close it returns ErrLoopClosed, also if the loop is closed meanwhile.
// Safe from any goroutine. (asyncio's run_coroutine_threadsafe.)
func Call[T any](ctx context.Context, l *Loop, body func(t *Task) (T, error)) (T, error) {
	l.CheckOutside("Call")
	c := &call[T]{done: make(chan Result[T], 1)}
	err := l.Post(func() {
		if !c.settled.CompareAndSwap(false, true) {
			return // given up
		}
		Go(l, body, With(ctx)).OnDone(func(f *Future[T]) {
			v, err := f.Result()
			c.done <- Result[T]{v, err}
		})
	})
	if err == nil {
		return c.wait(ctx, l)
	}
	var zero T
	return zero, fmt.Errorf("corolla: call: %w", err)
}

// call is one Call under way.
type call[T any] struct {
	done    chan Result[T]
	settled atomic.Bool // whether it is begun or given up
}

func (c *call[T]) wait(ctx context.Context, l *Loop) (T, error) {
	var err error
	var stopped <-chan struct{} // while the context lasts the loop may run again
	ended := ctx.Done()
	for err == nil {
		select {
		case r := <-c.done:
			return r.Value, r.Err
		case <-l.gone:
			err = ErrLoopClosed
		case <-ended:
			if c.settled.CompareAndSwap(false, true) {
				err = canceledBy(ctx)
			}
			ended, stopped = nil, l.halted()
		case <-stopped:
			err = canceledBy(ctx)
		}
	}
	var zero T
	return zero, fmt.Errorf("corolla: call: %w", err)
}

// FromChan returns a queue of what comes from a channel, of which at most size values, at
// least 1, wait in the queue. When the channel is closed the queue is shut down, and gives
// what is left. When the queue is shut down, or the loop closed, no more is received; one
// value may be lost then. On a loop that is closed already the queue is shut down.
func FromChan[T any](l *Loop, ch <-chan T, size int) *Queue[T] {
	q := NewQueue[T](max(size, 1))
	if l.state >= closing {
		q.Shutdown(false)
		return q
	}
	receive := func(quit <-chan struct{}) (v T, err error) {
		select {
		case v, ok := <-ch:
			return v, closedUnless(ok)
		default: // quit may be closed from the beginning
		}
		select {
		case v, ok := <-ch:
			return v, closedUnless(ok)
		case <-quit:
			return v, ErrWouldBlock
		}
	}
	l.Go(func(t *Task) error {
		for {
			v, err := elsewhere(t, receive)
			if err == nil {
				err = q.Put(t, v)
			}
			if err != nil {
				q.Shutdown(false)
				return nil
			}
		}
	}, Name("receive from a channel"), Eager()) // so that it has begun, and ends the queue, when it is canceled
	return q
}

func closedUnless(ok bool) error {
	if ok {
		return nil
	}
	return ErrQueueShutdown
}

// ToChan sends what comes from a queue to a channel, until the queue is shut down; it then
// closes the channel. Canceling the future ends it too, and closing the loop; one value may be
// lost then. On a loop that is closed already the channel is closed at once, and the error is
// ErrLoopClosed.
func ToChan[T any](l *Loop, q *Queue[T], ch chan<- T) *Future[struct{}] {
	if l.state >= closing {
		close(ch) // whoever receives must hear
	}
	return l.Go(func(t *Task) error {
		defer close(ch)
		for {
			v, err := q.Get(t)
			if err == ErrQueueShutdown {
				return nil
			}
			if err == nil {
				_, err = elsewhere(t, func(quit <-chan struct{}) (struct{}, error) {
					return struct{}{}, send(ch, v, quit)
				})
			}
			if err != nil {
				return err
			}
		}
	}, Name("send to a channel"), Eager()) // a task that is canceled before it begins would not close it
}

func send[T any](ch chan<- T, v T, quit <-chan struct{}) error {
	select {
	case ch <- v:
		return nil
	default: // quit may be closed from the beginning
	}
	select {
	case ch <- v:
		return nil
	case <-quit:
		return ErrWouldBlock
	}
}

// elsewhere parks t until wait, which may block until quit is closed, has returned something else
// than ErrWouldBlock. When t is woken before, it returns when wait has.
func elsewhere[T any](t *Task, wait func(quit <-chan struct{}) (T, error)) (T, error) {
	f := NewFuture[T](t.loop)
	stop := t.loop.host.Block(func(quit <-chan struct{}) (found bool) {
		v, err := wait(quit)
		if err == ErrWouldBlock {
			return false
		}
		_ = f.loop.Post(func() { f.settleOnce(v, err) }) // nobody waits when it is refused
		return true
	})
	defer stop()
	return f.Await(t)
}
