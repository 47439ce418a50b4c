package corolla_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

var errChild = errors.New("a child's error")

func TestGroupReturnsALoneErrorBare(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(*corolla.Task) error { return errChild })
				return nil
			})
			if err != errChild {
				t.Errorf("Group = %#v", err)
			}
			err = task.Group(func(*corolla.Group) error { return errChild })
			if err != errChild {
				t.Errorf("Group = %#v", err)
			}
			other := errors.New("another")
			err = task.Group(func(g *corolla.Group) error {
				g.Go(func(t *corolla.Task) error { _ = t.Park("ever"); return other }, corolla.Eager())
				g.Go(func(*corolla.Task) error { return errChild })
				return nil
			})
			if !errors.Is(err, errChild) || !errors.Is(err, other) {
				t.Errorf("Group = %v", err)
			}
			return nil
		})
	})
}

func TestErrorsOfChildrenWhenTheBodyPanics(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			defer func() {
				if v := recover(); v != "oops" {
					t.Errorf("recovered %v", v)
				}
				if len(l.Tasks()) != 1 {
					t.Error("Group was left before its children")
				}
			}()
			return task.Group(func(g *corolla.Group) error {
				g.Go(func(t *corolla.Task) error { _ = t.Park("ever"); return errChild })
				_ = task.Yield()
				panic("oops")
			})
		})
		if len(log.errs) != 1 || !errors.Is(log.errs[0], errChild) {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	})
}

func TestStartInAGroupThatIsOver(t *testing.T) { // asyncio rule 30
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ran := func(*corolla.Task) error { t.Error("it ran"); return nil }
			var over *corolla.Group
			err := task.Group(func(g *corolla.Group) error {
				over = g
				g.Cancel(nil)
				f := g.Go(ran) // nobody looks, and nobody is told: it is what shutdowns are like
				if _, err := f.Result(); !errors.Is(err, corolla.ErrGroupOver) || !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("Go in a canceled group: %v", err)
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				g.Go(ran, corolla.With(ctx))
				if n := l.Stats().Contexts; n != 0 {
					t.Errorf("the loop holds %d contexts", n)
				}
				return nil
			})
			over.Go(ran) // a mistake
			return err
		})
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if len(log.errs) != 1 || !errors.Is(log.errs[0], corolla.ErrGroupOver) || errors.Is(log.errs[0], corolla.ErrCanceled) {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	})
}

func TestStrayUnparkDoesNotEndAGroup(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ended := false
			l.Soon(func() { task.Unpark() })
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(t *corolla.Task) error {
					err := t.Sleep(time.Millisecond)
					ended = true
					return err
				})
				return nil
			})
			if !ended {
				t.Error("Group has returned before its child")
			}
			return err
		})
	})
}

func TestGroupJoinsItsChildren(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			first, second := errors.New("first"), errors.New("second")
			ended := 0
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(task *corolla.Task) error {
					defer func() { ended++ }()
					if err := task.Sleep(time.Hour); !errors.Is(err, first) {
						t.Errorf("a sibling is canceled with %v, want the error as its cause", err)
					}
					return second
				})
				g.Go(func(task *corolla.Task) error {
					defer func() { ended++ }()
					g.Go(func(task *corolla.Task) error { // a child of a child
						defer func() { ended++ }()
						return task.Sleep(time.Hour)
					})
					if err := task.Yield(); err != nil {
						return err
					}
					return first
				})
				return nil
			})
			if !errors.Is(err, first) || !errors.Is(err, second) || errors.Is(err, corolla.ErrCanceled) || ended != 3 {
				t.Errorf("Group = %v with %d children ended", err, ended)
			}
			return nil
		})
	})
}

func TestGroupResultsAndEarlyEnd(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var answer *corolla.Future[int]
			err := task.Group(func(g *corolla.Group) error {
				answer = corolla.Go(g, func(task *corolla.Task) (int, error) {
					defer g.Cancel(nil) // enough
					return 42, task.Sleep(ms)
				})
				g.Go(forever)
				return forever(task)
			})
			if v, e := answer.Result(); v != 42 || e != nil || err != nil {
				t.Errorf("result %v, %v; Group = %v", v, e, err)
			}
			return nil
		})
	})
}

func TestGroupOfACanceledOwner(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			f := l.Go(func(task *corolla.Task) error {
				err := task.Group(func(g *corolla.Group) error {
					g.Go(func(task *corolla.Task) error {
						err := forever(task)
						_ = task.Shielded(func(*corolla.Scope) error { return turns(task, 3) })
						tr.add("child")
						return err
					})
					return nil
				})
				tr.add("group")
				return err
			}, corolla.Eager())
			if err := task.Yield(); err != nil {
				return err
			}
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Await = %v", err)
			}
			tr.want(t, "child group")
			return nil
		})
	})
}

func TestGroupBodyThatPanics(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ended := false
			f := l.Go(func(task *corolla.Task) error {
				return task.Group(func(g *corolla.Group) error {
					g.Go(func(task *corolla.Task) error {
						defer func() { ended = true }()
						return forever(task)
					}, corolla.Eager())
					panic("oops")
				})
			})
			var p *corolla.PanicError
			if _, err := f.Await(task); !errors.As(err, &p) || p.Value != "oops" || !ended {
				t.Errorf("Await = %v, child ended: %v", err, ended)
			}
			return nil
		})
	})
}

func TestTimeoutAroundAGroupIsReturned(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Timeout(ms, func(*corolla.Scope) error {
				return task.Group(func(g *corolla.Group) error { g.Go(forever); return nil })
			})
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Timeout of a group = %v", err)
			}
			err = task.Cancelable(func(s *corolla.Scope) error {
				s.Cancel(nil)
				return task.Group(func(g *corolla.Group) error {
					if _, err := g.Go(forever).Result(); !errors.Is(err, corolla.ErrGroupOver) {
						t.Errorf("Go in a group of a canceled scope = %v", err)
					}
					return nil
				})
			})
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("a group in a canceled scope = %v", err)
			}
			return nil
		})
	})
}

func TestGroupBodyThatFailsWithAForeignCancelEndsTheGroup(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			gone := corolla.NewFuture[int](l)
			gone.Cancel(nil)
			err := task.Group(func(g *corolla.Group) error {
				g.Go(forever)
				_, err := gone.Await(task)
				return err
			})
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Group = %v", err)
			}
			return nil
		})
	})
}

func TestErrorJoinedWithACancelIsNotLost(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			disk, boom := errors.New("disk"), errors.New("boom")
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(task *corolla.Task) error { return errors.Join(forever(task), disk) })
				g.Go(func(*corolla.Task) error { return boom })
				return nil
			})
			if !errors.Is(err, disk) || !errors.Is(err, boom) {
				t.Errorf("Group = %v", err)
			}
			return nil
		})
	})
}

func TestTimeoutOfAChildIsNoCancel(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(t *corolla.Task) error {
					return t.Timeout(time.Millisecond, func(*corolla.Scope) error { return t.Sleep(time.Hour) })
				})
				return nil
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) {
				t.Errorf("Group = %v", err)
			}
			return nil
		})
	})
}

func TestGroupRefusedAtCloseCountsNobody(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ended := false
		l.Go(func(task *corolla.Task) error {
			_ = task.Park("ever")
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(*corolla.Task) error { t.Error("it ran"); return nil })
				if g.Len() != 0 {
					t.Errorf("%d children", g.Len())
				}
				return nil
			})
			ended = true
			return err
		}, corolla.Eager())
		if err := l.Close(); err != nil || !ended {
			t.Errorf("Close: %v; the task has ended: %v", err, ended)
		}
	})
}
