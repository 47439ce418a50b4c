package corolla_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

func TestCanceledTaskThatAwaitsItsAwaiter(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var a, b *corolla.Future[struct{}]
			a = l.Go(func(task *corolla.Task) error {
				_ = task.Park("for a cancel")
				_, err := b.Await(task)
				return err
			}, corolla.Eager())
			b = l.Go(func(task *corolla.Task) error { _, err := a.Await(task); return err }, corolla.Eager())
			a.Cancel(nil)
			for _, f := range []*corolla.Future[struct{}]{a, b} {
				if _, err := f.AwaitTimeout(task, time.Minute); !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("Await = %v", err)
				}
			}
			return nil
		})
	})
}

func TestCircleThroughAGroup(t *testing.T) {
	for _, by := range []string{"a timeout", "the end of Run"} {
		t.Run(by, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				run(t, l, func(task *corolla.Task) error {
					var a, b *corolla.Future[struct{}]
					a = l.Go(func(task *corolla.Task) error {
						limit := time.Millisecond
						if by != "a timeout" {
							limit = time.Hour
						}
						return task.Timeout(limit, func(*corolla.Scope) error { _, err := b.Await(task); return err })
					})
					b = l.Go(func(task *corolla.Task) error {
						return task.Group(func(g *corolla.Group) error {
							g.Go(func(task *corolla.Task) error { _, err := a.Await(task); return err })
							return nil
						})
					})
					if by != "a timeout" {
						return task.Sleep(time.Millisecond)
					}
					if _, err := a.Await(task); !errors.As(err, new(*corolla.TimeoutError)) {
						t.Errorf("Await = %v", err)
					}
					return nil
				})
			})
		})
	}
}

// TestStrayUnparkKeepsThePlace of a task among those that await a future.
func TestStrayUnparkKeepsThePlace(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			f := corolla.NewFuture[int](l)
			var fs []*corolla.Future[struct{}]
			for _, name := range []string{"a", "b"} {
				fs = append(fs, l.Go(func(task *corolla.Task) error {
					_, err := f.Await(task)
					tr.add("%s", name)
					return err
				}, corolla.Eager()))
			}
			fs[0].Task().Unpark()
			if err := task.Yield(); err != nil {
				return err
			}
			if err := f.Resolve(1); err != nil {
				return err
			}
			for _, f := range fs {
				if _, err := f.Await(task); err != nil {
					return err
				}
			}
			tr.want(t, "a b")
			return nil
		})
	})
}
