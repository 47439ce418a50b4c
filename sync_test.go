package corolla_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

func TestMisuseOfSynchronisationPanics(t *testing.T) {
	var lock corolla.Lock
	bounded := corolla.NewBoundedSemaphore(1)
	cond := corolla.NewCondition(nil)
	for want, misuse := range map[string]func(){
		"Unlock of a Lock that is not locked": lock.Unlock,
		"has all its units":                   bounded.Release,
		"fewer than 0 units":                  func() { corolla.NewSemaphore(-1) },
		"fewer than 1 unit":                   func() { corolla.NewBoundedSemaphore(0) },
		"fewer than 1 task":                   func() { corolla.NewBarrier(0) },
		"Notify of a Condition":               func() { cond.Notify(1) },
		"NotifyAll of a Condition":            cond.NotifyAll,
		"Wait of a Condition":                 func() { _ = cond.Wait(nil) },
		"more often than values were put":     corolla.NewQueue[int](1).TaskDone,
	} {
		if text := panicText(t, misuse); !strings.Contains(text, want) {
			t.Errorf("panicked with %q, want %q", text, want)
		}
	}
}

func TestStatsSayWhoWaits(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var lock corolla.Lock
		var event corolla.Event
		sem, barrier, queue := corolla.NewSemaphore(0), corolla.NewBarrier(2), corolla.NewQueue[int](1)
		cond := corolla.NewCondition(nil)
		run(t, l, func(task *corolla.Task) error {
			lock.TryLock()
			return task.Group(func(g *corolla.Group) error {
				for _, wait := range []func(*corolla.Task) error{
					lock.Lock, event.Wait, sem.Acquire,
					func(task *corolla.Task) error { _, err := barrier.Wait(task); return err },
					func(task *corolla.Task) error { _, err := queue.Get(task); return err },
					func(task *corolla.Task) error {
						err := cond.L().Lock(task)
						return errors.Join(err, cond.Wait(task))
					},
				} {
					g.Go(wait, corolla.Eager())
				}
				got := fmt.Sprintf("%+v %+v %+v %+v %+v %+v", lock.Stats(), event.Stats(), sem.Stats(), barrier.Stats(), queue.Stats(), cond.Stats())
				want := "{Locked:true Waiting:1} {Set:false Waiting:1} {Value:0 Waiting:1} {Parties:2 Waiting:1 Broken:false} " +
					"{Len:0 Size:1 Getting:1 Putting:0 Unfinished:0 Shutdown:false} {Lock:{Locked:false Waiting:0} Waiting:1}"
				if got != want {
					t.Errorf("stats:\n got %s\nwant %s", got, want)
				}
				var on []string
				for _, info := range l.Tasks() {
					if info.On != "" {
						on = append(on, info.On)
					}
				}
				if got := strings.Join(on, ", "); got != "a lock, an event, a semaphore, a barrier with 1 of 2, a queue, a condition" {
					t.Errorf("tasks are parked on %s", got)
				}
				g.Cancel(nil)
				return nil
			})
		})
	})
}

func TestConditionWaitFor(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			cond := corolla.NewCondition(nil)
			n := 0
			return task.Group(func(g *corolla.Group) error {
				g.Go(func(task *corolla.Task) error {
					if err := cond.L().Lock(task); err != nil {
						return err
					}
					defer cond.L().Unlock()
					err := cond.WaitFor(task, func() bool { return n == 3 })
					if n != 3 {
						t.Errorf("woken with %d", n)
					}
					return err
				})
				for range 3 {
					if err := task.Sleep(ms); err != nil {
						return err
					}
					if err := cond.L().Lock(task); err != nil {
						return err
					}
					n++
					cond.NotifyAll()
					cond.L().Unlock()
				}
				return nil
			})
		})
	})
}

func TestBarrier(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			b := corolla.NewBarrier(3)
			arrive := func() *corolla.Future[int] { return corolla.Go(l, b.Wait, corolla.Eager()) }
			canceled := arrive()
			first, second := arrive(), arrive()
			_ = second
			if err := turns(task, 2); err != nil {
				return err
			}
			if !first.Done() {
				t.Error("three are at the barrier")
			}
			v, err := corolla.All(l, canceled, first, second).Await(task)
			if fmt.Sprint(v, err) != "[0 1 2] <nil>" {
				t.Errorf("places %v, %v", v, err)
			}
			gone, a := arrive(), arrive()
			gone.Cancel(nil)
			if err := turns(task, 2); err != nil {
				return err
			}
			c := arrive()
			if err := turns(task, 2); err != nil || c.Done() {
				t.Error("one that was canceled still counts")
			}
			b.Abort()
			for _, f := range []*corolla.Future[int]{a, c, arrive()} {
				if _, err := f.Await(task); err != corolla.ErrBarrierBroken {
					t.Errorf("after Abort: %v", err)
				}
			}
			b.Reset()
			d := arrive()
			b.Reset()
			if _, err := d.Await(task); err != corolla.ErrBarrierBroken {
				t.Errorf("after Reset: %v", err)
			}
			v, err = corolla.All(l, arrive(), arrive(), arrive()).Await(task)
			if fmt.Sprint(v, err) != "[0 1 2] <nil>" {
				t.Errorf("as new: %v, %v", v, err)
			}
			return nil
		})
	})
}

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
