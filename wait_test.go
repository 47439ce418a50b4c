package corolla_test

import (
	"testing"

	"github.com/corolla-go/corolla"
)

func TestStrayUnparkDoesNotOpenALock(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var lock corolla.Lock
			sem := corolla.NewSemaphore(0)
			queue := corolla.NewQueue[int](1)
			lock.TryLock()
			var waiting []*corolla.Future[struct{}]
			for _, wait := range []func(*corolla.Task) error{
				lock.Lock, sem.Acquire,
				func(task *corolla.Task) error { _, err := queue.Get(task); return err },
			} {
				f := l.Go(wait, corolla.Eager())
				f.Task().Unpark()
				waiting = append(waiting, f)
			}
			if err := turns(task, 3); err != nil {
				return err
			}
			for i, f := range waiting {
				if f.Done() {
					t.Errorf("waiter %d was let through", i)
				}
			}
			lock.Unlock()
			sem.Release()
			if err := queue.TryPut(1); err != nil {
				return err
			}
			_, err := corolla.All(l, waiting...).Await(task)
			return err
		})
	})
}
