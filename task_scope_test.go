package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

func TestTimeouts(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Timeout(time.Millisecond, func(*corolla.Scope) error { return task.Sleep(time.Hour) })
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Timeout = %v", err)
			}
			if err := task.Yield(); err != nil {
				t.Errorf("after the scope: %v", err)
			}
			err = task.Timeout(time.Hour, func(*corolla.Scope) error {
				return task.Timeout(time.Millisecond, func(*corolla.Scope) error {
					return task.Timeout(time.Hour, func(*corolla.Scope) error { return task.Sleep(2 * time.Hour) })
				})
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) || timeout.After != time.Millisecond {
				t.Errorf("nested timeouts: %v, want the middle one's", err)
			}
			return nil
		})
	})
}

func TestScopesByHand(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			why := errors.New("why")
			err := task.Cancelable(func(s *corolla.Scope) error {
				l.After(ms, func() { s.Cancel(why) })
				err := forever(task)
				cleaned := task.Shielded(func(*corolla.Scope) error { return task.Sleep(ms) }) // cleanup that waits
				if cleaned != nil || !errors.Is(task.Yield(), corolla.ErrCanceled) || !errors.Is(s.Canceled(), why) {
					t.Errorf("in the scope: cleanup %v, Canceled %v", cleaned, s.Canceled())
				}
				return err
			})
			if !errors.Is(err, why) || task.Yield() != nil {
				t.Errorf("Cancelable = %v", err)
			}
			begin := l.Now()
			err = task.Timeout(time.Hour, func(s *corolla.Scope) error {
				s.SetTimeout(2 * ms) // sooner
				return forever(task)
			})
			if !errors.Is(err, os.ErrDeadlineExceeded) || l.Now()-begin > time.Minute {
				t.Errorf("a timeout that was moved: %v after %v", err, l.Now()-begin)
			}
			return task.Timeout(ms, func(s *corolla.Scope) error {
				s.SetDeadline(-1) // never
				if _, ok := s.Deadline(); ok {
					t.Error("a deadline that was taken away is there")
				}
				return task.Sleep(3 * ms)
			})
		})
	})
}

func TestShieldedInACanceledTask(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			f := l.Go(func(task *corolla.Task) error {
				err := task.Shielded(func(*corolla.Scope) error {
					defer tr.add("cleaned")
					if err := task.Scope().Err(); err != nil {
						t.Errorf("Err in a shield = %v", err)
					}
					// A timeout inside a shield is the way to bound cleanup.
					err := task.Timeout(ms, func(*corolla.Scope) error { return forever(task) })
					if _, ok := err.(*corolla.TimeoutError); !ok {
						t.Errorf("Timeout in a shield = %v", err)
					}
					return task.Yield()
				})
				if err != nil {
					t.Errorf("Shielded = %v", err)
				}
				return task.Yield()
			}, corolla.Eager())
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("after the shield: %v", err)
			}
			tr.want(t, "cleaned")
			return nil
		})
	})
}

func TestInnerTimeoutIsNotTheTasksCancel(t *testing.T) { // asyncio rule 13 holds after it
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error {
				_ = task.Timeout(0, func(*corolla.Scope) error { return task.Yield() })
				task.Cancel(nil)
				return nil
			})
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Await = %v", err)
			}
			return nil
		})
	})
}

func TestTimeoutOfAScopeThatWasLeft(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var left *corolla.Scope
			err := task.Cancelable(func(s *corolla.Scope) error { left = s; return nil })
			left.SetTimeout(time.Millisecond)
			return err
		})
	})
}

func TestErrorBesidesATimeout(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Timeout(time.Millisecond, func(*corolla.Scope) error {
				return errors.Join(task.Sleep(time.Hour), errBug)
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) || !errors.Is(err, errBug) || errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Timeout = %v", err)
			}
			if !strings.Contains(err.Error(), "a bug") {
				t.Errorf("the text says nothing of the error: %v", err)
			}
			err = task.Timeout(time.Millisecond, func(*corolla.Scope) error { return task.Sleep(time.Hour) })
			if errors.Unwrap(err) != nil || errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Timeout = %v, which wraps %v", err, errors.Unwrap(err))
			}

			// A foreign cancel beside the scope's own.
			foreign := &corolla.CanceledError{Cause: errBug}
			for _, order := range []bool{true, false} {
				err = task.Timeout(time.Millisecond, func(*corolla.Scope) error {
					if own := task.Sleep(time.Hour); order {
						return fmt.Errorf("%w, %w", foreign, own)
					} else {
						return fmt.Errorf("%w, %w", own, foreign)
					}
				})
				if !errors.As(err, &timeout) || timeout.Unwrap() != error(foreign) || err != error(timeout) {
					t.Errorf("Timeout = %v", err)
				}
			}

			// Inside of a scope that is canceled too, its cancel is what counts, and nothing else is lost.
			outer := task.Timeout(time.Millisecond, func(*corolla.Scope) error {
				return task.Timeout(time.Millisecond, func(*corolla.Scope) error {
					return errors.Join(task.Sleep(time.Hour), errBug)
				})
			})
			if !errors.As(outer, &timeout) || !errors.Is(outer, errBug) {
				t.Errorf("the outer Timeout = %v", outer)
			}
			return nil
		})
	})
}
