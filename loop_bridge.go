package corolla

import (
	"context"
	"fmt"
	"sync/atomic"
)

// This file connects a loop with goroutines that do not run it, beyond what Post does.

// Call runs body as a task on the loop and blocks the calling goroutine until the task has
// ended. It panics on the goroutine that runs the loop, which would wait for itself. When ctx
// ends the task is canceled; Call then returns the task's result, or a *CanceledError if the
// loop is not running. If the loop is closed, before or meanwhile, it returns ErrLoopClosed.
// Safe from any goroutine. (asyncio's run_coroutine_threadsafe.)
func Call[T any](ctx context.Context, l *Loop, body func(t *Task) (T, error)) (T, error) {
	l.CheckOutside("Call")
	c := &call[T]{done: make(chan Result[T], 1)}
	err := l.Post(func() {
		if !c.settled.CompareAndSwap(false, true) {
			return // the caller has given up
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

// call is one Call in progress.
type call[T any] struct {
	done    chan Result[T]
	settled atomic.Bool // it has begun, or was given up
}

func (c *call[T]) wait(ctx context.Context, l *Loop) (T, error) {
	var err error
	var stopped <-chan struct{} // nil until the context ends: the loop may still run again
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

// FromChan returns a queue that is fed from a channel and holds at most size values (at
// least 1). When the channel is closed the queue is shut down, and still delivers what it
// holds. Once the queue is shut down or the loop is closed, nothing more is received; one
// value may be lost then. On a closed loop the queue is shut down from the start.
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
		default: // quit may already be closed
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
	}, Name("receive from a channel"), Eager()) // if canceled before it began, it would not shut down the queue
	return q
}

func closedUnless(ok bool) error {
	if ok {
		return nil
	}
	return ErrQueueShutdown
}

// ToChan sends the values of a queue to a channel until the queue is shut down; it then
// closes the channel. Canceling the future or closing the loop ends it too; one value may be
// lost then. On a closed loop the channel is closed at once, and the error is ErrLoopClosed.
func ToChan[T any](l *Loop, q *Queue[T], ch chan<- T) *Future[struct{}] {
	if l.state >= closing {
		close(ch) // its receivers must not wait for ever
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
	}, Name("send to a channel"), Eager()) // if canceled before it began, it would not close the channel
}

func send[T any](ch chan<- T, v T, quit <-chan struct{}) error {
	select {
	case ch <- v:
		return nil
	default: // quit may already be closed
	}
	select {
	case ch <- v:
		return nil
	case <-quit:
		return ErrWouldBlock
	}
}

// elsewhere parks t until wait, which may block until quit is closed, has returned anything but
// ErrWouldBlock. If t is woken before that, elsewhere still returns only after wait has.
func elsewhere[T any](t *Task, wait func(quit <-chan struct{}) (T, error)) (T, error) {
	f := NewFuture[T](t.loop)
	stop := t.loop.host.Block(func(quit <-chan struct{}) (found bool) {
		v, err := wait(quit)
		if err == ErrWouldBlock {
			return false
		}
		_ = f.loop.Post(func() { f.settleOnce(v, err) }) // refused on a closed loop, where nobody waits
		return true
	})
	defer stop()
	return f.Await(t)
}
