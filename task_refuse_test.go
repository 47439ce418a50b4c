package corolla_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// wantUnwound takes one report of an unwound task from the log.
func wantUnwound(t *testing.T, log *errorLog, abandoned bool) {
	t.Helper()
	var u *corolla.UnwoundError
	found := 0
	for _, err := range log.errs {
		if errors.As(err, &u) && u.Abandoned == abandoned {
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d reports of unwound tasks (abandoned: %v) among %v", found, abandoned, log.errs)
	}
	log.errs = nil
}

// waits are all the ways to wait that a program might use in a loop without a look at the error.
var waits = map[string]func(t *corolla.Task){
	"Sleep":     func(t *corolla.Task) { _ = t.Sleep(time.Second) },
	"Yield":     func(t *corolla.Task) { _ = t.Yield() },
	"Park":      func(t *corolla.Task) { _ = t.Park("ever") },
	"Event":     func(t *corolla.Task) { _ = new(corolla.Event).Wait(t) },
	"Lock":      func(t *corolla.Task) { l := new(corolla.Lock); l.TryLock(); _ = l.Lock(t) },
	"Semaphore": func(t *corolla.Task) { _ = corolla.NewSemaphore(0).Acquire(t) },
	"Barrier":   func(t *corolla.Task) { _, _ = corolla.NewBarrier(2).Wait(t) },
	"Get":       func(t *corolla.Task) { _, _ = corolla.NewQueue[int](1).Get(t) },
	"Put":       func(t *corolla.Task) { _ = corolla.NewQueue[int](0).Put(t, 1) },
	"Join":      func(t *corolla.Task) { q := corolla.NewQueue[int](1); _ = q.TryPut(1); _ = q.Join(t) },
	"Condition": func(t *corolla.Task) { c := corolla.NewCondition(nil); c.L().TryLock(); _ = c.Wait(t) },
	"Future":    func(t *corolla.Task) { _, _ = corolla.NewFuture[int](t.Loop()).Await(t) },
	"Offload": func(t *corolla.Task) {
		_, _ = corolla.Offload(t.Loop(), func() (int, error) { return 0, nil }).Await(t)
	},
	"Timeout": func(t *corolla.Task) {
		_ = t.Timeout(time.Millisecond, func(*corolla.Scope) error { return t.Sleep(time.Hour) })
	},
	"Group": func(t *corolla.Task) {
		_ = t.Group(func(g *corolla.Group) error {
			g.Go(func(t *corolla.Task) error { return t.Sleep(time.Hour) })
			return nil
		})
	},
	"Go and Await": func(t *corolla.Task) {
		_, _ = t.Loop().Go(func(t *corolla.Task) error { return t.Sleep(time.Hour) }).Await(t)
	},
	"All of new tasks": func(t *corolla.Task) {
		f := t.Loop().Go(func(t *corolla.Task) error { return t.Sleep(time.Hour) })
		_, _ = corolla.All(t.Loop(), f).Await(t)
	},
	"Wait": func(t *corolla.Task) {
		_, _, _ = corolla.Wait(t, corolla.AllDone, corolla.NewFuture[int](t.Loop()))
	},
}

// TestIgnoredCancelDoesNotFreezeTheLoop ends what main leaves behind, though it looks at no error.
func TestIgnoredCancelDoesNotFreezeTheLoop(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
				var turns, deferred, rounds int
				run(t, l, func(*corolla.Task) error {
					l.Go(func(task *corolla.Task) error {
						defer func() { deferred++ }()
						for {
							wait(task)
							rounds++
							l.Soon(func() { turns++ })
						}
					}, corolla.Name("careless"), corolla.Eager())
					return nil
				})
				if deferred != 1 || turns == 0 || rounds > 2000 {
					t.Errorf("its defers ran %d times; others had %d turns in %d rounds", deferred, turns, rounds)
				}
				wantUnwound(t, log, false)
			})
		})
	}
}

func TestIgnoredCloseHasAnEnd(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
				deferred := 0
				l.Go(func(task *corolla.Task) error {
					defer func() { deferred++ }()
					for {
						wait(task)
					}
				}, corolla.Eager())
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if deferred != 1 {
					t.Errorf("its defers ran %d times", deferred)
				}
				wantUnwound(t, log, false)
			})
		})
	}
}

// TestIgnoredTimeoutLeavesItsScopeOnly goes on with the task behind the scope.
func TestIgnoredTimeoutLeavesItsScopeOnly(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			outer := task.Scope()
			err := task.Timeout(time.Hour, func(*corolla.Scope) error {
				return task.Timeout(time.Millisecond, func(*corolla.Scope) error {
					defer tr.add("deferred")
					return task.Cancelable(func(*corolla.Scope) error {
						for {
							_ = task.Sleep(time.Minute)
						}
					})
				})
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) || timeout.After != time.Millisecond {
				t.Errorf("Timeout = %v", err)
			}
			tr.want(t, "deferred")
			wantUnwound(t, log, false)
			if task.Scope() != outer {
				t.Error("the task is left in a scope")
			}
			if err := task.Sleep(time.Millisecond); err != nil {
				t.Errorf("the task is canceled: %v", err)
			}

			err = task.Group(func(g *corolla.Group) error {
				g.Go(func(t *corolla.Task) error { return t.Sleep(time.Hour) })
				g.Cancel(nil)
				for {
					_ = task.Sleep(time.Minute)
				}
			})
			if err != nil || task.Scope() != outer {
				t.Errorf("Group = %v", err)
			}
			wantUnwound(t, log, false)
			return task.Sleep(time.Millisecond)
		})
	})
}

// TestRefusalsAreCountedInARow lets a canceled task clean up at length, as long as it does wait.
func TestRefusalsAreCountedInARow(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		cleaned := 0
		run(t, l, func(*corolla.Task) error {
			l.Go(func(task *corolla.Task) error {
				err := task.Park("ever")
				for range 300 {
					_ = task.Yield()
					cleaned++
					if cleaned%50 == 0 {
						_ = task.Shielded(func(*corolla.Scope) error { return task.Sleep(time.Microsecond) })
					}
				}
				return err
			}, corolla.Eager())
			return nil
		})
		if cleaned != 300 {
			t.Errorf("%d of 300 steps", cleaned)
		}
	})
}

func TestDeferredFunctionThatPanicsInsteadOfBeingUnwound(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			outer := task.Scope()
			for name, scope := range map[string]func(func() error){
				"Timeout": func(f func() error) { _ = task.Timeout(1, func(*corolla.Scope) error { return f() }) },
				"Group": func(f func() error) {
					_ = task.Group(func(g *corolla.Group) error { g.Cancel(nil); return f() })
				},
			} {
				text := panicText(t, func() {
					scope(func() error {
						defer func() { panic("from a deferred function") }()
						for {
							_ = task.Sleep(time.Minute)
						}
					})
				})
				if text != "from a deferred function" || task.Scope() != outer {
					t.Errorf("%s panicked with %q", name, text)
				}
				wantUnwound(t, log, false)
			}
			return nil
		})
	})
}

// TestTaskThatRecoversForEverIsAbandoned is about the one task that nothing can end.
func TestTaskThatRecoversForEverIsAbandoned(t *testing.T) {
	stubborn := func(task *corolla.Task) error {
		for {
			func() {
				defer func() { _ = recover() }()
				_ = task.Sleep(time.Second)
			}()
		}
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		leaktest.Abandon(2)
		var ended *corolla.Future[struct{}]
		run(t, l, func(task *corolla.Task) error {
			ended = l.Go(stubborn)
			return task.Yield()
		})
		if _, err := ended.Result(); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("its result is %v", err)
		}
		wantUnwound(t, log, true)
		l.Go(stubborn, corolla.Eager())
		run(t, l, func(*corolla.Task) error { l.Stop(); return nil })
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		wantUnwound(t, log, true)
	})
}

// TestErrorOfABodyThatRecoversFromBeingUnwound is what its scope returns.
func TestErrorOfABodyThatRecoversFromBeingUnwound(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			for name, scope := range map[string]func(func() error) error{
				"Timeout": func(f func() error) error { return task.Timeout(1, func(*corolla.Scope) error { return f() }) },
				"Group": func(f func() error) error {
					return task.Group(func(g *corolla.Group) error { g.Cancel(nil); return f() })
				},
			} {
				err := scope(func() error {
					func() {
						defer func() {
							if !corolla.IsUnwinding(recover()) {
								t.Errorf("%s: not unwound", name)
							}
						}()
						for {
							_ = task.Sleep(time.Minute)
						}
					}()
					return errBug
				})
				if !errors.Is(err, errBug) {
					t.Errorf("%s = %v", name, err)
				}
				wantUnwound(t, log, false)
			}
			return nil
		})
	})
}

func TestUnwoundConditionKeepsItsLock(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			c := corolla.NewCondition(nil)
			f := l.Go(func(task *corolla.Task) error {
				if err := c.L().Lock(task); err != nil {
					return err
				}
				defer c.L().Unlock()
				for {
					_ = c.Wait(task)
				}
			}, corolla.Eager())
			f.Cancel(nil)
			if _, err := f.Await(task); !corolla.IsOnly(err, corolla.ErrCanceled) || c.L().Locked() {
				t.Errorf("it has ended with %v; locked: %v", err, c.L().Locked())
			}
			return nil
		})
		wantUnwound(t, log, false)
	})
}

func TestRefusedArrivalDoesNotCountAtABarrier(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			b := corolla.NewBarrier(3)
			f := l.Go(func(task *corolla.Task) error {
				for {
					_, _ = b.Wait(task)
					if n := b.Stats().Waiting; n != 0 {
						t.Errorf("%d wait", n)
					}
				}
			}, corolla.Eager())
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("it has ended with %v", err)
			}
			others := []*corolla.Future[int]{corolla.Go(l, b.Wait, corolla.Eager()), corolla.Go(l, b.Wait, corolla.Eager())}
			if err := task.Yield(); err != nil || others[0].Done() {
				t.Errorf("two have passed a barrier of three: %v", err)
			}
			if _, err := b.Wait(task); err != nil {
				t.Error(err)
			}
			_, err := corolla.All(l, others...).Await(task)
			return err
		})
		wantUnwound(t, log, false)
	})
}

func TestAbandonedTaskLeavesItsScopes(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		leaktest.Abandon(1)
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error {
				return task.Timeout(time.Hour, func(*corolla.Scope) error {
					return task.Group(func(g *corolla.Group) error {
						g.Go(func(*corolla.Task) error { return errChild })
						for {
							func() {
								defer func() { _ = recover() }()
								_ = task.Sleep(time.Second)
							}()
						}
					})
				})
			})
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
			f.Cancel(nil)
			_, err := f.AwaitTimeout(task, time.Minute)
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("it has ended with %v", err)
			}
			return nil
		})
		found := false
		for _, err := range log.errs {
			found = found || errors.Is(err, errChild)
		}
		if !found {
			t.Errorf("the child's error is not among %v", log.errs)
		}
		wantUnwound(t, log, true)
	})
}
