package corolla_test

import (
	"iter"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

// TestCoroutineIsNoForeigner lets generators of every kind use the loop.
func TestCoroutineIsNoForeigner(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		touch := func(yield func(int) bool) {
			for i := range 3 {
				l.Soon(func() {})
				if !yield(i) {
					return
				}
			}
		}
		pulls := map[string]func(iter.Seq[int]) (func() (int, bool), func()){"iter.Pull": iter.Pull[int], "Pull": corolla.Pull[int]}
		use := func() {
			for name, pull := range pulls {
				for inner, pullInner := range pulls {
					next, stop := pull(func(yield func(int) bool) {
						next, stop := pullInner(touch)
						defer stop()
						for v, ok := next(); ok && yield(v); v, ok = next() {
							l.Soon(func() {})
						}
					})
					n := 0
					for _, ok := next(); ok; _, ok = next() {
						n++
						l.Soon(func() {})
					}
					stop()
					if n != 3 {
						t.Errorf("%s of %s gave %d values", name, inner, n)
					}
				}
			}
		}
		l.Soon(use)
		run(t, l, func(task *corolla.Task) error {
			use()
			return task.Yield()
		})
	})
}

// TestGeneratorOnALoopFromElsewhere resumes a generator, which was made on the loop, from another
// goroutine.
func TestGeneratorOnALoopFromElsewhere(t *testing.T) {
	if !knowsCallers {
		t.Skip("on this processor only Debug finds foreign goroutines; amd64 and arm64 test it")
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		next, stop := corolla.Pull(func(yield func(int) bool) {
			for {
				l.Soon(func() {})
				if !yield(0) {
					return
				}
			}
		})
		defer stop()
		run(t, l, func(task *corolla.Task) error {
			next() // on the loop
			if text, _ := elsewhere(func() { next() }).(string); !strings.Contains(text, "does not run the loop") {
				t.Errorf("a generator resumed elsewhere: %q", text)
			}
			return task.Yield()
		})
	})
}

// TestTaskWaitsInAGenerator parks a task in a generator that it resumes.
func TestTaskWaitsInAGenerator(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			return task.Group(func(g *corolla.Group) error {
				for range 3 {
					g.Go(func(task *corolla.Task) error {
						next, stop := corolla.Pull(func(yield func(int) bool) {
							for i := range 3 {
								err := task.Timeout(1e9, func(*corolla.Scope) error { return task.Sleep(1000) })
								if err != nil {
									t.Error(err)
								}
								l.Soon(func() {})
								if !yield(i) {
									return
								}
							}
						})
						defer stop()
						for want := range 3 {
							if v, ok := next(); !ok || v != want {
								t.Errorf("next = %d, %v", v, ok)
							}
							l.Soon(func() {})
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
	})
}

// TestYieldInsideOfAScope refuses what would leave the consumer in the generator's scope.
func TestYieldInsideOfAScope(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			scopes := map[string]func(func() error) error{
				"Timeout":    func(f func() error) error { return task.Timeout(1, func(*corolla.Scope) error { return f() }) },
				"Shielded":   func(f func() error) error { return task.Shielded(func(*corolla.Scope) error { return f() }) },
				"Cancelable": func(f func() error) error { return task.Cancelable(func(*corolla.Scope) error { return f() }) },
				"Group":      func(f func() error) error { return task.Group(func(*corolla.Group) error { return f() }) },
			}
			for name, scope := range scopes {
				outer := task.Scope()
				next, _ := corolla.Pull(func(yield func(int) bool) {
					_ = scope(func() error { yield(1); return nil })
				})
				if text := panicText(t, func() { next() }); !strings.Contains(text, "yields inside of a scope") {
					t.Errorf("%s: %q", name, text)
				}
				if task.Scope() != outer {
					t.Errorf("%s: the consumer is left in the generator's scope", name)
				}
				nextPlain, _ := iter.Pull(func(yield func(int) bool) {
					_ = scope(func() error { yield(1); return nil })
				})
				if text := panicText(t, func() { nextPlain() }); knowsCallers && !strings.Contains(text, "use corolla.Pull") {
					t.Errorf("%s: %q", name, text)
				}
				if err := task.Sleep(10); err != nil {
					t.Errorf("%s: the consumer's Sleep: %v", name, err)
				}
			}
			return nil
		})
	})
}

// TestEndedGeneratorIsForgotten stops generators elsewhere that have ended, whose goroutines' records
// the runtime gives to others.
func TestEndedGeneratorIsForgotten(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			for range 100 {
				next, stop := corolla.Pull(func(yield func(int) bool) { l.Soon(func() {}); yield(1) })
				for range 3 {
					next()
				}
				elsewhere(func() { next(); stop() })
				for range 3 {
					iterNext, iterStop := iter.Pull(func(yield func(int) bool) { l.Soon(func() {}); yield(1) })
					iterNext()
					iterStop()
				}
			}
			return task.Yield()
		})
	})
}

// TestGeneratorOnALoopInsideOfALoop is the inner loop's.
func TestGeneratorOnALoopInsideOfALoop(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		outer, inner := newLoop(corolla.SlowLimit(0)), newLoop(corolla.SlowLimit(0))
		defer outer.Close()
		defer inner.Close()
		run(t, outer, func(task *corolla.Task) error {
			outside, stop := corolla.Pull(func(yield func(int) bool) {
				for yield(int(outer.Now())) {
				}
			})
			defer stop()
			outside()
			return inner.Run(func(task *corolla.Task) error {
				next, stop := corolla.Pull(func(yield func(int) bool) {
					err := task.Timeout(1e9, func(*corolla.Scope) error { return task.Yield() })
					inner.Soon(func() {})
					yield(len(inner.Tasks()))
					if err != nil {
						t.Error(err)
					}
				})
				defer stop()
				if n, _ := next(); n != 1 {
					t.Errorf("the inner loop has %d tasks", n)
				}
				outside() // on the same goroutine, which runs both
				return task.Yield()
			})
		})
	})
}

// TestGeneratorOfTwoTasks parks the one that has resumed it, and refuses the other.
func TestGeneratorOfTwoTasks(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var user *corolla.Task
			next, stop := corolla.Pull(func(yield func(int) bool) {
				for i := 0; ; i++ {
					if err := user.Sleep(1000); err != nil || !yield(i) {
						return
					}
				}
			})
			scope := func(t *corolla.Task) error {
				return t.Timeout(1e9, func(*corolla.Scope) error { l.Soon(func() {}); return t.Yield() })
			}
			a := l.Go(func(task *corolla.Task) error {
				user = task
				if v, ok := next(); v != 0 || !ok {
					t.Errorf("next = %d, %v", v, ok)
				}
				return scope(task)
			}, corolla.Eager())
			b := l.Go(func(task *corolla.Task) error {
				for name, call := range map[string]func(){"next": func() { next() }, "stop": stop} {
					if text := panicText(t, call); !strings.Contains(text, "only one caller at a time") {
						t.Errorf("%s of another task: %q", name, text)
					}
				}
				return scope(task)
			}, corolla.Eager())
			for _, f := range []*corolla.Future[struct{}]{a, b} {
				if _, err := f.Await(task); err != nil {
					return err
				}
			}
			user = task
			stop()
			return scope(task)
		})
	})
}

func TestGeneratorThatYieldsForItsConsumer(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			next, _ := corolla.Pull(func(yield func(int) bool) {
				inner, _ := corolla.Pull(func(func(int) bool) {
					_ = task.Timeout(1, func(*corolla.Scope) error { yield(1); return nil })
				})
				inner()
			})
			if text := panicText(t, func() { next() }); !strings.Contains(text, "inside of a scope") {
				t.Errorf("it panicked with %q", text)
			}
			return task.Sleep(1000)
		})
	})
}

// TestGeneratorInAnEagerTaskOfAnIdleLoop belongs to nobody yet.
func TestGeneratorInAnEagerTaskOfAnIdleLoop(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		f := l.Go(func(task *corolla.Task) error {
			next, stop := corolla.Pull(func(yield func(int) bool) {
				if err := task.Timeout(1e9, func(*corolla.Scope) error { return nil }); err == nil {
					yield(1)
				}
			})
			defer stop()
			if v, _ := next(); v != 1 {
				t.Errorf("next = %d", v)
			}
			return nil
		}, corolla.Eager())
		if _, err := f.Result(); err != nil {
			t.Error(err)
		}
	})
}
