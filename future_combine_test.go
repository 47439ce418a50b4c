package corolla_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// after returns a future that gives v, or fails if v is negative, after twice as many turns
// as d has milliseconds: an order that no slow machine can change.
func after(l *corolla.Loop, d time.Duration, v int) *corolla.Future[int] {
	return corolla.Go(l, func(task *corolla.Task) (int, error) {
		if d == time.Hour {
			return 0, forever(task)
		}
		if err := turns(task, 2*int(d/ms)); err != nil {
			return 0, err
		}
		if v < 0 {
			return 0, fmt.Errorf("bad %d", v)
		}
		return v, nil
	})
}

func TestAll(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			v, err := corolla.All(l, after(l, 2*ms, 1), after(l, ms, 2)).Await(task)
			if fmt.Sprint(v, err) != "[1 2] <nil>" {
				t.Errorf("All = %v, %v", v, err)
			}
			if v, err := corolla.All[int](l).Await(task); len(v) != 0 || err != nil {
				t.Errorf("All of nothing = %v, %v", v, err)
			}
			slow := after(l, 3*ms, 3)
			if _, err := corolla.All(l, slow, after(l, ms, -1)).Await(task); err == nil || err.Error() != "bad -1" {
				t.Errorf("All with an error = %v", err)
			}
			if slow.Done() {
				t.Error("All waited for the others")
			}
			if v, err := slow.Await(task); v != 3 || err != nil {
				t.Errorf("the other goes on: %v, %v", v, err)
			}
			r, err := corolla.Collect(l, after(l, ms, 1), after(l, ms, -2)).Await(task)
			if err != nil || r[0].Value != 1 || r[1].Err == nil {
				t.Errorf("Collect = %v, %v", r, err)
			}
			return nil
		})
	})
}

func TestAnyAndFirst(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			loser := after(l, time.Hour, 1)
			v, err := corolla.Any(l, loser, after(l, ms, -2), after(l, 2*ms, 3)).Await(task)
			if v != 3 || err != nil {
				t.Errorf("Any = %v, %v", v, err)
			}
			if _, err := loser.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("the loser: %v", err)
			}
			_, err = corolla.Any(l, after(l, ms, -1), after(l, ms, -2)).Await(task)
			if err == nil || !strings.Contains(err.Error(), "bad -1") || !strings.Contains(err.Error(), "bad -2") {
				t.Errorf("Any when all fail: %v", err)
			}
			if _, err = corolla.First(l, after(l, time.Hour, 1), after(l, ms, -2)).Await(task); err == nil || err.Error() != "bad -2" {
				t.Errorf("First = %v", err)
			}
			if v, err := corolla.First(l, after(l, time.Hour, 1), after(l, ms, 2)).Await(task); v != 2 || err != nil {
				t.Errorf("First = %v, %v", v, err)
			}
			for _, f := range []*corolla.Future[int]{corolla.Any[int](l), corolla.First[int](l)} {
				if _, err := f.Await(task); err != corolla.ErrNothing {
					t.Errorf("of nothing: %v", err)
				}
			}
			return nil
		})
	})
}

func TestWaitLeavesTheFuturesAlone(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			if _, _, err := corolla.Wait[int](task, corolla.AllDone); err != corolla.ErrNothing {
				t.Errorf("Wait for nothing: %v", err)
			}
			a, b, c := after(l, ms, 1), after(l, 2*ms, -2), after(l, time.Hour, 3)
			for _, step := range []struct {
				until corolla.Until
				done  int
			}{{corolla.FirstDone, 1}, {corolla.FirstError, 2}} {
				done, pending, err := corolla.Wait(task, step.until, a, b, c)
				if len(done) != step.done || len(pending) != 3-step.done || err != nil {
					t.Errorf("Wait until %d = %d done, %d pending, %v", step.until, len(done), len(pending), err)
				}
			}
			var done, pending []*corolla.Future[int]
			err := task.Timeout(ms, func(*corolla.Scope) (err error) {
				done, pending, err = corolla.Wait(task, corolla.AllDone, a, b, c)
				return err
			})
			if len(done) != 2 || len(pending) != 1 || !errors.Is(err, os.ErrDeadlineExceeded) || c.Done() {
				t.Errorf("Wait in a timeout = %d done, %d pending, %v", len(done), len(pending), err)
			}
			c.Cancel(nil)
			if done, _, err := corolla.Wait(task, corolla.AllDone, a, b, c); len(done) != 3 || err != nil {
				t.Errorf("Wait until all = %d, %v", len(done), err)
			}
			if _, err := b.Result(); err == nil { // Wait did not look at it
				t.Error("b has not failed")
			}
			return nil
		})
	})
}

func TestAsCompleted(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			for f, err := range corolla.AsCompleted(task, after(l, 3*ms, 3), after(l, ms, 1), after(l, 2*ms, 2)) {
				if err != nil {
					return err
				}
				v, err := f.Result()
				tr.add("%d", v)
				if err != nil {
					return err
				}
			}
			tr.want(t, "1 2 3")
			err := task.Timeout(ms, func(*corolla.Scope) error {
				for _, err := range corolla.AsCompleted(task, corolla.NewFuture[int](l)) {
					return err
				}
				return nil
			})
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("AsCompleted whose task is canceled gives %v", err)
			}
			return nil
		})
	})
}

func TestShieldProtectsWhatItAwaits(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			inner := corolla.NewFuture[int](l)
			if _, err := corolla.Shield(inner).AwaitTimeout(task, ms); !errors.Is(err, os.ErrDeadlineExceeded) || inner.Done() {
				t.Errorf("a shield that has no result yet: %v; what it shields is done: %v", err, inner.Done())
			}
			if n := l.Stats().Callbacks; n != 0 {
				t.Errorf("%d callbacks are left behind a shield that was canceled", n)
			}
			_ = inner.Resolve(1)
			if v, err := inner.Await(task); v != 1 || err != nil {
				t.Errorf("inner = %v, %v", v, err)
			}
			failing := after(l, ms, -1)
			corolla.Shield(failing).Cancel(nil)
			return task.Sleep(2 * ms)
		})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if len(log.errs) != 1 || !strings.Contains(log.errs[0].Error(), "bad -1") {
			t.Errorf("inner's error after the shield was canceled: the handler got %v", log.errs)
		}
		log.errs = nil
	})
}

func TestFirstCancelsTheLosers(t *testing.T) { // Twisted's race: before its result is seen
	combine := map[string]func(*corolla.Loop, ...*corolla.Future[int]) *corolla.Future[int]{
		"First": corolla.First[int], "Any": corolla.Any[int],
	}
	for name, of := range combine {
		eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
			run(t, l, func(task *corolla.Task) error {
				winner := corolla.NewFuture[int](l)
				slow := corolla.Go(l, func(t *corolla.Task) (int, error) { return 0, t.Park("ever") })
				plain := corolla.NewFuture[int](l)
				race := of(l, slow, winner, plain)
				if err := task.Yield(); err != nil {
					return err
				}
				if err := winner.Resolve(1); err != nil {
					return err
				}
				if v, err := race.Await(task); v != 1 || err != nil {
					t.Errorf("%s gave %d, %v", name, v, err)
				}
				if !plain.Canceled() {
					t.Errorf("%s: a loser was not canceled when the result was there", name)
				}
				if _, err := slow.AwaitTimeout(task, time.Minute); errors.As(err, new(*corolla.TimeoutError)) {
					t.Errorf("%s left a loser running", name)
				}
				return nil
			})
		})
	}
}

func TestErrorBehindACanceledShieldIsReported(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		late := errors.New("late")
		run(t, l, func(task *corolla.Task) error {
			f := corolla.NewFuture[int](l)
			shield := corolla.Shield(f)
			shield.Cancel(nil)
			if _, err := shield.Await(task); !errors.Is(err, corolla.ErrCanceled) || f.Done() {
				t.Errorf("Await = %v; what was shielded is done: %v", err, f.Done())
			}
			if err := f.Fail(late); err != nil {
				return err
			}
			return task.Sleep(time.Millisecond)
		})
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if len(log.errs) != 1 || !errors.Is(log.errs[0], late) {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	})
}

func TestSecondCancelOfACombinatorChangesNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			first, second := errors.New("first"), errors.New("second")
			slow := corolla.Go(l, func(task *corolla.Task) (int, error) {
				err := task.Park("ever")
				_ = task.Shielded(func(*corolla.Scope) error { return task.Yield() })
				return 0, err
			}, corolla.Eager())
			all := corolla.Collect(l, slow)
			all.Cancel(first)
			all.Cancel(second)
			if _, err := all.Await(task); !errors.Is(err, first) || errors.Is(err, second) {
				t.Errorf("Await = %v", err)
			}
			return nil
		})
	})
}

// Whoever settles a shield has not looked at what it shields.
func TestErrorBehindASettledShieldIsReported(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		late := errors.New("late")
		run(t, l, func(task *corolla.Task) error {
			f := corolla.NewFuture[int](l)
			shield := corolla.Shield(f)
			if err := errors.Join(shield.Resolve(7), f.Fail(late)); err != nil {
				return err
			}
			if v, err := shield.Await(task); v != 7 || err != nil {
				t.Errorf("Await = %d, %v", v, err)
			}
			return task.Sleep(ms)
		})
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if len(log.errs) != 1 || !errors.Is(log.errs[0], late) {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	})
}
