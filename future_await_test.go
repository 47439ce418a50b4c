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

func TestStrayUnparkDoesNotEndAnAwait(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := corolla.NewFuture[int](l)
			l.Soon(func() {
				task.Unpark()
				l.After(ms, func() { _ = f.Resolve(5) })
			})
			if v, err := f.Await(task); v != 5 || err != nil {
				t.Errorf("Await = %v, %v", v, err)
			}
			return nil
		})
	})
}

func TestTasksThatAwaitEachOtherCanBeCanceled(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var a, b *corolla.Future[struct{}]
			a = l.Go(func(task *corolla.Task) error { _, err := b.Await(task); return err })
			b = l.Go(func(task *corolla.Task) error { _, err := a.Await(task); return err })
			if err := turns(task, 2); err != nil {
				return err
			}
			a.Cancel(nil)
			_, _, err := corolla.Wait(task, corolla.AllDone, a, b)
			if !a.Canceled() || !b.Canceled() {
				t.Errorf("a canceled: %v, b canceled: %v", a.Canceled(), b.Canceled())
			}
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
