package corolla_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

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
			if !errors.As(err, &p) || p.Value != "oops" || !strings.Contains(string(p.Stack), thisFile()) {
				t.Errorf("Await = %v, want the panic with its stack", err)
			}
			if !strings.Contains(p.Error(), `task "clumsy" of `) || !strings.Contains(p.Error(), thisFile()+":") {
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

// TestEveryKeepsItsPhase: what takes two and a half intervals shifts no later call.
func TestEveryKeepsItsPhase(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			enough := errors.New("enough")
			begin, last, n := l.Now(), -1, 0
			err := corolla.Every(task, 10*ms, func() error {
				at := l.Now() - begin
				if tick := int(at / (10 * ms)); tick <= last {
					t.Errorf("call %d comes at %v, in the same interval as the one before", n, at)
				} else {
					last = tick
				}
				switch n++; n {
				case 2:
					return task.Sleep(25 * ms)
				case 4:
					return enough
				}
				return nil
			})
			if err != enough || n != 4 || last < 5 {
				t.Errorf("%v after %d calls, the last in interval %d", err, n, last)
			}
			n = 0
			err = task.Timeout(10*ms, func(*corolla.Scope) error {
				return corolla.Every(task, 0, func() error { n++; return task.Sleep(ms) })
			})
			if !errors.As(err, new(*corolla.TimeoutError)) || n == 0 {
				t.Errorf("%v after %d calls", err, n)
			}
			return nil
		})
	})
}
