package corolla_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// TestConditionAtCloseHasItsLock is asyncio's rule 35 while the loop is being closed: Wait has the
// lock when it returns, so a deferred Unlock takes it from nobody.
func TestConditionAtCloseHasItsLock(t *testing.T) {
	for _, order := range []string{"the holder is older", "the holder is younger", "two wait"} {
		t.Run(order, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				c := corolla.NewCondition(nil)
				inside := ""
				enter := func(who string) {
					if inside != "" {
						t.Errorf("%s has the lock that %s has", who, inside)
					}
					inside = who
				}
				waiter := func(task *corolla.Task) error {
					if err := c.L().Lock(task); err != nil {
						return err
					}
					defer c.L().Unlock()
					err := c.Wait(task)
					enter("the waiter")
					defer func() { inside = "" }()
					if !errors.Is(err, corolla.ErrLoopClosed) {
						t.Errorf("Wait = %v", err)
					}
					return err
				}
				holder := func(task *corolla.Task) error {
					for c.Stats().Waiting == 0 {
						if err := task.Yield(); err != nil {
							return err
						}
					}
					if err := c.L().Lock(task); err != nil {
						return err
					}
					defer c.L().Unlock()
					enter("the holder")
					defer func() { inside = "" }()
					return task.Park("ever")
				}
				switch order {
				case "the holder is older":
					l.Go(holder)
					l.Go(waiter)
				case "the holder is younger":
					l.Go(waiter)
					l.Go(holder)
				default:
					l.Go(waiter)
					l.Go(holder)
					l.Go(waiter)
				}
				for inside == "" {
					l.Stop()
					if err := l.RunForever(); err != nil { // for one turn
						t.Fatal(err)
					}
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if c.L().Locked() {
					t.Error("the lock is left locked")
				}
			})
		})
	}
}

// TestConditionWhoseLockIsNeverGivenBack cannot have what it wants, and Close ends all the same.
func TestConditionWhoseLockIsNeverGivenBack(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		c := corolla.NewCondition(nil)
		ended := 0
		for range 3 {
			l.Go(func(task *corolla.Task) error {
				defer func() { ended++ }()
				if err := c.L().Lock(task); err != nil {
					return err
				}
				return c.Wait(task)
			}, corolla.Eager())
		}
		c.L().TryLock()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if ended != 3 {
			t.Errorf("%d of 3 have ended", ended)
		}
	})
}

// TestConditionTellsOfACancelWhileItTakesTheLock has been notified already when it is canceled.
func TestConditionTellsOfACancelWhileItTakesTheLock(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			c := corolla.NewCondition(nil)
			waiter := l.Go(func(task *corolla.Task) error {
				if err := c.L().Lock(task); err != nil {
					return err
				}
				defer c.L().Unlock()
				return c.Wait(task)
			}, corolla.Eager())
			other := l.Go(func(task *corolla.Task) error {
				if err := c.L().Lock(task); err != nil {
					return err
				}
				defer c.L().Unlock()
				return c.Wait(task)
			}, corolla.Eager())
			if err := c.L().Lock(task); err != nil {
				return err
			}
			c.Notify(1)
			if err := task.Yield(); err != nil { // the waiter is in line for the lock now
				return err
			}
			waiter.Cancel(nil)
			if err := task.Yield(); err != nil || waiter.Done() {
				t.Errorf("Wait has returned without the lock: %v", err)
			}
			c.L().Unlock()
			if _, err := waiter.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Wait = %v", err)
			}
			_, err := other.AwaitTimeout(task, time.Minute) // the wake-up is passed on
			return err
		})
	})
}

// TestCircleThroughACombinatorCanBeCanceled is about tasks that await each other's future, one of
// them through futures that are made of many.
func TestCircleThroughACombinatorCanBeCanceled(t *testing.T) {
	combine := map[string]func(l *corolla.Loop, f *corolla.Future[int]) func(*corolla.Task) error{
		"All": func(l *corolla.Loop, f *corolla.Future[int]) func(*corolla.Task) error {
			return func(t *corolla.Task) error { _, err := corolla.All(l, f, f).Await(t); return err }
		},
		"Collect": func(l *corolla.Loop, f *corolla.Future[int]) func(*corolla.Task) error {
			return func(t *corolla.Task) error { _, err := corolla.Collect(l, f).Await(t); return err }
		},
		"Any of All": func(l *corolla.Loop, f *corolla.Future[int]) func(*corolla.Task) error {
			return func(t *corolla.Task) error {
				_, err := corolla.Any(l, corolla.All(l, f)).Await(t)
				return err
			}
		},
		"First": func(l *corolla.Loop, f *corolla.Future[int]) func(*corolla.Task) error {
			return func(t *corolla.Task) error { _, err := corolla.First(l, f).Await(t); return err }
		},
	}
	for name, combined := range combine {
		for _, first := range []string{"a", "b"} {
			t.Run(name+", "+first+" is canceled", func(t *testing.T) {
				eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
					run(t, l, func(task *corolla.Task) error {
						var a, b *corolla.Future[int]
						a = corolla.Go(l, func(t *corolla.Task) (int, error) { return 0, combined(l, b)(t) })
						b = corolla.Go(l, func(t *corolla.Task) (int, error) { return a.Await(t) })
						if err := task.Yield(); err != nil {
							return err
						}
						if first == "a" {
							a.Cancel(nil)
						} else {
							b.Cancel(nil)
						}
						for _, f := range []*corolla.Future[int]{a, b} {
							if _, err := f.AwaitTimeout(task, time.Minute); errors.As(err, new(*corolla.TimeoutError)) || err == nil && name != "Collect" {
								t.Errorf("Await = %v", err)
							}
						}
						return task.Sleep(time.Millisecond) // for what the combinators have left to do
					})
				})
			})
		}
	}
}

// TestPutOrGetOfAnotherTaskChangesNothing would have overwritten what a parked task waits with.
func TestPutOrGetOfAnotherTaskChangesNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q, other, full := corolla.NewQueue[int](1), corolla.NewQueue[int](1), corolla.NewQueue[int](1)
			_ = full.TryPut(0)
			getter := corolla.Go(l, q.Get, corolla.Eager())
			putter := l.Go(func(t *corolla.Task) error { return full.Put(t, 7) }, corolla.Eager())
			for _, of := range []*corolla.Task{getter.Task(), putter.Task()} {
				panicText(t, func() { _, _ = other.Get(of) })
				panicText(t, func() { _ = full.Put(of, 2) })
				panicText(t, func() { _ = other.Put(of, 2) })
			}
			if n := other.Len(); n != 0 {
				t.Errorf("%d values were put", n)
			}
			if err := q.TryPut(1); err != nil {
				return err
			}
			if v, err := getter.Await(task); v != 1 || err != nil {
				t.Errorf("Get = %d, %v", v, err)
			}
			for _, want := range []int{0, 7} {
				if v, err := full.Get(task); v != want || err != nil {
					t.Errorf("Get = %d, %v; want %d", v, err, want)
				}
			}
			_, err := putter.Await(task)
			return err
		})
	})
}
