package green_test

import (
	"errors"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

// Queues and semaphores are the core's: green code gives them its task.
var queueRules = []rule{
	{18, "a put into a queue of size 0 returns when its value is taken", func(e *env) error {
		trace := func(size int, want string) error {
			q := corolla.NewQueue[int](size)
			producer := e.Go(func() error {
				for i := range size + 1 {
					e.add("put%d>", i)
					if err := q.Put(e.Task(), i); err != nil {
						return err
					}
					e.add("<put%d", i)
				}
				return nil
			})
			e.Sleep(0)
			for range size + 1 {
				v, err := q.Get(e.Task())
				if err != nil {
					return err
				}
				e.add("got%d", v)
			}
			err := producer.Join()
			e.want(want)
			return err
		}
		return errors.Join(
			trace(0, "put0> got0 <put0"),
			trace(1, "put0> <put0 put1> got0 got1 <put1"),
		)
	}},
	{19, "a put that must not wait needs, at size 0, somebody who waits for the value", func(e *env) error {
		q := corolla.NewQueue[int](0)
		if err := q.TryPut(1); err != corolla.ErrQueueFull {
			e.Errorf("TryPut = %v", err)
		}
		getter := green.Go(e.Hub, func() (int, error) { return q.Get(e.Task()) })
		e.Sleep(0)
		if err := q.TryPut(2); err != nil {
			return err
		}
		e.add("put") // the getter runs in its own turn
		v, err := getter.Wait()
		if v != 2 {
			e.Errorf("got %d", v)
		}
		return err
	}},
	{20, "(different) what waits is served first in, first out, also by queues and events", func(e *env) error {
		q := corolla.NewQueue[int](0)
		ev := green.NewEvent[int](e.Hub)
		var sem corolla.Semaphore
		for i := range 3 {
			e.Go(func() error {
				v, err := q.Get(e.Task())
				e.add("q%d:%d", i, v)
				return err
			})
			e.Go(func() error {
				v, err := ev.Wait()
				e.add("e%d:%d", i, v)
				return err
			})
			e.Go(func() error {
				err := sem.Acquire(e.Task())
				e.add("s%d", i)
				return err
			})
		}
		e.Sleep(0)
		for i := range 3 {
			if err := q.TryPut(i); err != nil {
				return err
			}
		}
		e.turns(1)
		e.want("q0:0 q1:1 q2:2")
		err := ev.Send(7)
		e.turns(3)
		e.want("e0:7 e1:7 e2:7")
		for range 3 {
			sem.Release()
		}
		e.turns(1)
		e.want("s0 s1 s2")
		return err
	}},
	{21, "put, send and release give nobody a turn if they need not wait", func(e *env) error {
		q := corolla.NewQueue[int](1)
		e.Go(func() error {
			for i := range 3 {
				if err := q.Put(e.Task(), i); err != nil {
					return err
				}
				e.add("p%d", i)
			}
			return nil
		})
		e.Sleep(0)
		e.add("--")
		for range 3 {
			v, err := q.Get(e.Task())
			if err != nil {
				return err
			}
			e.add("g%d", v)
		}
		e.want("p0 -- g0 g1 p1 p2 g2")
		ev := green.NewEvent[int](e.Hub)
		var sem corolla.Semaphore
		a := e.Go(func() error { _, err := ev.Wait(); e.add("sent"); return err })
		b := e.Go(func() error { err := sem.Acquire(e.Task()); e.add("released"); return err })
		e.Sleep(0)
		err := ev.Send(1)
		sem.Release()
		e.add("first")
		err = errors.Join(err, b.Join(), a.Join())
		e.want("first released sent")
		return err
	}},
	{22, "(different) a done too many panics; a timeout is the error of the timeout, not of the queue", func(e *env) error {
		q := corolla.NewQueue[int](1)
		e.refuses("TaskDone", q.TaskDone)
		get := func() error { _, err := q.Get(e.Task()); return err }
		if err := e.Timeout(time.Millisecond, get); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Get = %v", err)
		}
		put := func() error { return errors.Join(q.Put(e.Task(), 1), q.Put(e.Task(), 2)) }
		if err := e.Timeout(time.Millisecond, put); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Put = %v", err)
		}
		if q.Len() != 1 {
			e.Errorf("%d values in the queue", q.Len())
		}
		return nil
	}},
	{23, "an event is sent once; reset makes it as new, and is refused before", func(e *env) error {
		ev := green.NewEvent[int](e.Hub)
		if err := ev.Reset(); err != corolla.ErrPending {
			e.Errorf("Reset = %v", err)
		}
		err := ev.Send(1)
		if again := ev.Send(2); again != corolla.ErrSettled || !ev.Ready() {
			e.Errorf("a second Send = %v", again)
		}
		if v, err := ev.Wait(); v != 1 || err != nil {
			e.Errorf("Wait = %d, %v", v, err)
		}
		err = errors.Join(err, ev.Reset())
		if ev.Ready() {
			e.Error("ready after Reset")
		}
		waiter := e.Go(func() error { _, err := ev.Wait(); return err })
		e.Sleep(0)
		err = errors.Join(err, ev.Fail(errBad))
		if got := waiter.Join(); got != errBad {
			e.Errorf("Wait = %v", got)
		}
		return err
	}},
	{24, "(different) acquire has no timeout of its own; a bounded semaphore panics; there is no capped one", func(e *env) error {
		sem := corolla.NewBoundedSemaphore(1)
		e.refuses("has all its units", sem.Release)
		acquire := func() error { return sem.Acquire(e.Task()) }
		if err := acquire(); err != nil || sem.TryAcquire() {
			e.Errorf("Acquire = %v", err)
		}
		if err := e.Timeout(time.Millisecond, acquire); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Acquire = %v", err)
		}
		grows := corolla.NewSemaphore(0)
		grows.Release()
		if !grows.TryAcquire() {
			e.Error("a semaphore does not grow")
		}
		return nil
	}},
}
