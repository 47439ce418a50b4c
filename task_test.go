package corolla_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestTaskStartsInTheNextTurn(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(*corolla.Task) error { tr.add("child"); return nil })
			tr.add("parent")
			_, err := f.Await(task)
			return err
		})
		tr.want(t, "parent child")
	})
}

func TestEagerTaskRunsToItsFirstPark(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(child *corolla.Task) error {
				tr.add("child")
				if l.Current() != child {
					t.Error("Current is not the task that runs")
				}
				err := child.Yield()
				tr.add("later")
				return err
			}, corolla.Eager())
			if l.Current() != task {
				t.Error("Current is not restored")
			}
			tr.add("parent")
			_, err := f.Await(task)
			return err
		})
		tr.want(t, "child parent later")
	})
}

func TestYieldsAlternate(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			return task.Group(func(g *corolla.Group) error {
				for _, name := range []string{"a", "b"} {
					g.Go(func(task *corolla.Task) error {
						for i := range 3 {
							tr.add("%s%d", name, i)
							if err := task.Yield(); err != nil {
								return err
							}
						}
						return nil
					})
				}
				return nil
			})
		})
		tr.want(t, "a0 b0 a1 b1 a2 b2")
	})
}

func TestPanicInATaskFailsItsFuture(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			_, err := l.Go(func(*corolla.Task) error { panic("oops") }, corolla.Name("clumsy")).Await(task)
			var p *corolla.PanicError
			if !errors.As(err, &p) || p.Value != "oops" || !strings.Contains(string(p.Stack), "task_test.go") {
				t.Errorf("Await = %v, want the panic with its stack", err)
			}
			if !strings.Contains(p.Error(), `task "clumsy" of `) || !strings.Contains(p.Error(), "task_test.go:") {
				t.Errorf("%q does not name the task and its place", p)
			}
			return nil
		})
	})
}

func TestTaskUsedFromOutsidePanics(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(*corolla.Task) error {
				for name, misuse := range map[string]func(){
					"Park":  func() { _ = task.Park("nothing") },
					"Yield": func() { _ = task.Yield() },
					"Sleep": func() { _ = task.Sleep(1) },
					"Await": func() { _, _ = corolla.NewFuture[int](l).Await(task) },
					"Group": func() { _ = task.Group(func(*corolla.Group) error { return nil }) },
				} {
					if text := panicText(t, misuse); !strings.Contains(text, "from outside of it") {
						t.Errorf("%s of a foreign task panicked with %q", name, text)
					}
				}
				return nil
			})
			if _, err := f.Await(task); err != nil {
				return err
			}
			if text := panicText(t, func() { _ = f.Task().Yield() }); !strings.Contains(text, "has ended") {
				t.Errorf("Yield of a task that has ended panicked with %q", text)
			}
			return nil
		})
	})
}

func TestCancelWakesAParkedTask(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			cause := errors.New("no longer needed")
			f := l.Go(func(task *corolla.Task) error {
				err := task.Sleep(time.Hour)
				if again := task.Yield(); !errors.Is(again, corolla.ErrCanceled) {
					t.Errorf("a second wait in a canceled task: %v", again)
				}
				return err
			}, corolla.Eager())
			if !f.Cancel(cause) {
				t.Error("Cancel of a pending task is true")
			}
			_, err := f.Await(task)
			if !errors.Is(err, corolla.ErrCanceled) || !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
				t.Errorf("Await = %v, want a cancel with its cause", err)
			}
			if !f.Canceled() || f.Cancel(nil) {
				t.Error("a canceled future is Canceled and cannot be canceled again")
			}
			return nil
		})
	})
}

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

func TestUnseenErrorIsReportedOnce(t *testing.T) { // differences 5
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		seen, unseen := errors.New("seen"), errors.New("unseen")
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(*corolla.Task) error { return seen })
			l.Go(func(*corolla.Task) error { return unseen }, corolla.Name("lonely"))
			_, err := f.Await(task)
			if err != seen {
				t.Errorf("Await = %v", err)
			}
			return nil
		})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var u *corolla.UnseenError
		if len(log.errs) != 1 || !errors.As(log.errs[0], &u) || u.Err != unseen || !strings.Contains(u.Where, "lonely") {
			t.Errorf("the handler got %v, want the unseen error, once", log.errs)
		}
		log.errs = nil
	})
}

func TestUnseenErrorIsReportedWhenItsFutureIsCollected(t *testing.T) {
	var log errorLog
	l, err := corolla.New(corolla.ErrorHandler(log.add), corolla.SlowLimit(0))
	if err != nil {
		leaktest.NeedLoop(t, err)
	}
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		func() { _ = corolla.NewFuture[[64]int](l).Fail(errors.New("dropped")) }()
		for limit := l.Now() + 20*time.Second; len(log.errs) == 0 && l.Now() < limit; {
			runtime.GC()
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	if len(log.errs) != 1 || !strings.Contains(log.errs[0].Error(), "dropped") {
		t.Errorf("the handler got %v", log.errs)
	}
}

func TestCloseEndsEveryTask(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var tr trace
		l.Go(func(task *corolla.Task) error {
			defer tr.add("cleanup")
			if err := task.Park("for ever"); !errors.Is(err, corolla.ErrLoopClosed) {
				t.Errorf("Park while the loop is closed: %v", err)
			}
			return nil
		})
		l.Go(func(task *corolla.Task) error { // one that does not take no for an answer
			defer tr.add("stubborn")
			for {
				_ = task.Sleep(time.Hour)
			}
		})
		l.Soon(l.Stop)
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		l.Go(func(*corolla.Task) error { t.Error("a task that was never run ran"); return nil })
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "stubborn cleanup") // the youngest first
		wantUnwound(t, log, false)
	})
}

func TestTaskIsAContext(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		type key struct{}
		parent := context.WithValue(context.Background(), key{}, "value")
		before := runtime.NumGoroutine()
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error {
				child, cancel := context.WithCancel(task)
				defer cancel()
				if child.Value(key{}) != "value" || task.Err() != nil {
					t.Error("the context's values are lost, or it has ended")
				}
				cause := errors.New("cause")
				task.Cancel(cause)
				<-child.Done()
				if child.Err() != context.Canceled || context.Cause(child) != cause || context.Cause(task) != cause {
					t.Errorf("child: %v, %v", child.Err(), context.Cause(child))
				}
				return task.Yield()
			}, corolla.With(parent))
			_, err := f.Await(task)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Await = %v", err)
			}
			var inside context.Context
			err = task.Timeout(time.Millisecond, func(s *corolla.Scope) error {
				var cancel context.CancelFunc
				inside, cancel = context.WithTimeout(s, time.Hour)
				defer cancel()
				if _, ok := task.Scope().Deadline(); !ok {
					t.Error("no Deadline in a Timeout")
				}
				err := task.Sleep(time.Hour)
				<-inside.Done()
				return err
			})
			if err == nil || inside.Err() != context.DeadlineExceeded {
				t.Errorf("a context made in a Timeout that passed: %v, %v", err, inside.Err())
			}
			return nil
		})
		if n := runtime.NumGoroutine(); n > before+3 { // the two tasks' coroutines are kept
			t.Errorf("%d goroutines before, %d after", before, n)
		}
	})
}

func TestForeignContextCancelsATask(t *testing.T) {
	l, err := corolla.New()
	if err != nil {
		leaktest.NeedLoop(t, err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("the request is gone")
	run(t, l, func(task *corolla.Task) error {
		f := l.Go(func(task *corolla.Task) error { return task.Sleep(time.Hour) }, corolla.With(ctx))
		if err := task.Yield(); err != nil {
			return err
		}
		go cancel(cause)
		if _, err := f.Await(task); !errors.Is(err, cause) {
			t.Errorf("Await = %v", err)
		}
		return nil
	})
}

func TestFutureSettledOnce(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		f := corolla.NewFuture[int](l)
		if _, err := f.Result(); err != corolla.ErrPending {
			t.Errorf("Result of a pending future: %v", err)
		}
		if err := f.Resolve(1); err != nil {
			t.Error(err)
		}
		if err := f.Resolve(2); err != corolla.ErrSettled {
			t.Errorf("second Resolve: %v", err)
		}
		if err := f.Fail(errors.New("x")); err != corolla.ErrSettled {
			t.Errorf("Fail after Resolve: %v", err)
		}
		if v, err := f.Result(); v != 1 || err != nil {
			t.Errorf("Result = %d, %v", v, err)
		}
		if text := panicText(t, func() { _ = f.Fail(nil) }); !strings.Contains(text, "use Resolve") {
			t.Errorf("Fail(nil) panicked with %q", text)
		}
	})
}
