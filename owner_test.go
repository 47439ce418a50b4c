package corolla_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// elsewhere calls f on a goroutine of its own and returns what it panicked with.
func elsewhere(f func()) any {
	ch := make(chan any)
	go func() {
		defer func() { ch <- recover() }()
		f()
	}()
	return <-ch
}

// knowsCallers is false on processors on which a loop does not know who calls, without Debug.
var knowsCallers = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// fromAnywhere are the methods that any goroutine may call, or that tell what never changes.
var fromAnywhere = map[string][]string{
	"*corolla.Loop":        {"Post", "Stop", "Check", "Close", "Run", "RunForever", "Simulated", "CheckOutside"},
	"*corolla.Task":        {"Deadline", "Done", "Err", "Value", "AfterFunc", "Cause", "Name", "Loop", "Started", "String"},
	"*corolla.Scope":       {"Deadline", "Done", "Err", "Value", "AfterFunc", "Cause"},
	"*corolla.Future[int]": {"Task", "Loop", "String"},
	"*corolla.Socket":      {"Loop", "Network"},
	"*corolla.Group":       {"String"},
}

// TestForeignGoroutine calls every method of what belongs to a loop from another goroutine.
func TestForeignGoroutine(t *testing.T) {
	if !knowsCallers {
		t.Skip("on this processor only Debug finds foreign goroutines; amd64 and arm64 test it")
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer ln.Close()
			sock, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
			if err != nil {
				return err
			}
			defer sock.Close()
			var out corolla.Outbox
			out.Init(sock, func(error) {})
			timer := l.After(1e9, func() {})
			defer timer.Stop()
			future := corolla.NewFuture[int](l)
			signals := l.Signals()
			defer signals.Stop()
			return task.Group(func(g *corolla.Group) error {
				return task.Cancelable(func(s *corolla.Scope) error {
					for _, v := range []any{l, task, s, future, sock, &out, timer, l.Soon(func() {}), g, signals, l.Workers("")} {
						callAll(t, v, task, sock)
					}
					return nil
				})
			})
		})
	})
}

// callAll calls the methods of v on other goroutines, with what there is for those that take one.
func callAll(t *testing.T, v any, have ...any) {
	t.Helper()
	r := reflect.ValueOf(v)
	name := r.Type().String()
	for i := range r.NumMethod() {
		method := r.Type().Method(i).Name
		if slices.Contains(fromAnywhere[name], method) {
			continue
		}
		f := r.Method(i)
		var args []reflect.Value
		for j := range f.Type().NumIn() {
			if f.Type().IsVariadic() && j == f.Type().NumIn()-1 {
				break
			}
			arg := argument(f.Type().In(j))
			for _, h := range have {
				if reflect.TypeOf(h) == arg.Type() {
					arg = reflect.ValueOf(h)
				}
			}
			args = append(args, arg)
		}
		text, _ := elsewhere(func() { f.Call(args) }).(string)
		if !strings.Contains(text, "goroutine that does not run the loop") {
			t.Errorf("%s.%s from a foreign goroutine: %q", name, method, text)
		}
	}
}

func argument(t reflect.Type) reflect.Value {
	switch {
	case t.Kind() == reflect.Func:
		return reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value {
			out := make([]reflect.Value, t.NumOut())
			for i := range out {
				out[i] = reflect.Zero(t.Out(i))
			}
			return out
		})
	case t == reflect.TypeFor[error]():
		return reflect.ValueOf(errors.New("an error"))
	case t == reflect.TypeFor[net.Addr]():
		return reflect.ValueOf(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	}
	return reflect.Zero(t)
}

// TestForeignWake is about what knows no loop until tasks wait for it.
func TestForeignWake(t *testing.T) {
	if !knowsCallers {
		t.Skip("on this processor only Debug finds foreign goroutines; amd64 and arm64 test it")
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var event corolla.Event
		var lock corolla.Lock
		var waiters corolla.Waiters
		queue := corolla.NewQueue[int](-1)
		semaphore := corolla.NewSemaphore(0)
		run(t, l, func(task *corolla.Task) error {
			lock.TryLock()
			return task.Group(func(g *corolla.Group) error {
				g.Go(func(t *corolla.Task) error { return event.Wait(t) })
				g.Go(func(t *corolla.Task) error { return lock.Lock(t) })
				g.Go(func(t *corolla.Task) error { _, err := queue.Get(t); return err })
				g.Go(func(t *corolla.Task) error { return semaphore.Acquire(t) })
				g.Go(func(t *corolla.Task) error { _, err := waiters.Wait(t, "a test"); return err })
				if err := task.Yield(); err != nil {
					return err
				}
				calls := map[string]func(){
					"Event.Set": event.Set, "Lock.Unlock": lock.Unlock, "Queue.TryPut": func() { _ = queue.TryPut(1) },
					"Semaphore.Release": semaphore.Release, "Waiters.Wake": func() { waiters.Wake() },
					"Waiters.WakeAll": func() { waiters.WakeAll() },
				}
				for name, call := range calls {
					if text, _ := elsewhere(call).(string); !strings.Contains(text, "does not run the loop") {
						t.Errorf("%s from a foreign goroutine: %q", name, text)
					}
				}
				// Nothing has changed, and all of it works.
				event.Set()
				if !lock.Locked() {
					lock.TryLock()
				}
				lock.Unlock()
				semaphore.Release()
				waiters.WakeAll()
				return queue.TryPut(1)
			})
		})
	})
}

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

// TestCallOnTheLoop would wait for itself.
func TestCallOnTheLoop(t *testing.T) {
	if !knowsCallers {
		t.Skip("on this processor Call does not know who calls")
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		call := func() {
			_, _ = corolla.Call(context.Background(), l, func(*corolla.Task) (int, error) { return 1, nil })
		}
		run(t, l, func(task *corolla.Task) error {
			if text := panicText(t, call); !strings.Contains(text, "Await") {
				t.Errorf("in a task: %q", text)
			}
			next, _ := corolla.Pull(func(func(int) bool) { call() })
			if text := panicText(t, func() { next() }); !strings.Contains(text, "Await") {
				t.Errorf("in a generator: %q", text)
			}
			done := corolla.NewFuture[string](l)
			l.Soon(func() { _ = done.Resolve(panicText(t, call)) })
			text, err := done.Await(task)
			if !strings.Contains(text, "Await") {
				t.Errorf("in a callback: %q", text)
			}
			return err
		})
	})
}

// TestCallOfAnIdleLoop ends with its context, whether the loop never ran or has stopped meanwhile.
func TestCallOfAnIdleLoop(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error)
		begun := false
		call := func() {
			_, err := corolla.Call(ctx, l, func(t *corolla.Task) (int, error) {
				begun = true
				l.Stop()
				return 0, t.Park("a test")
			})
			result <- err
		}
		go call()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Call of a loop that never ran: %v", err)
		}
		l.Stop()
		if err := l.RunForever(); err != nil || begun { // it runs what was posted
			t.Errorf("a call that was given up has begun: %v, %v", begun, err)
		}
		ctx, cancel = context.WithCancel(context.Background())
		posted := make(chan struct{})
		go func() {
			_ = l.Post(func() {})
			close(posted)
			call()
		}()
		<-posted
		for !begun {
			if err := l.RunForever(); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Call of a loop that was stopped: %v", err)
		}
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

// TestTaskOfAnotherLoopIsForeign though it is a coroutine, as generators are.
func TestTaskOfAnotherLoopIsForeign(t *testing.T) {
	if !knowsCallers {
		t.Skip("on this processor only Debug finds foreign goroutines; amd64 and arm64 test it")
	}
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		other, err := corolla.New()
		leaktest.NeedLoop(t, err)
		defer other.Close()
		begun, ended := make(chan struct{}), make(chan error)
		if err := other.Post(func() { close(begun) }); err != nil {
			t.Fatal(err)
		}
		go func() { ended <- other.RunForever() }()
		<-begun
		l := newLoop(corolla.SlowLimit(0))
		defer l.Close()
		run(t, l, func(task *corolla.Task) error {
			if text := panicText(t, func() { other.Now() }); !strings.Contains(text, "does not run the loop") {
				t.Errorf("in a task: %q", text)
			}
			next, _ := corolla.Pull(func(func(int) bool) { other.Now() })
			if text := panicText(t, func() { next() }); !strings.Contains(text, "does not run the loop") {
				t.Errorf("in a generator: %q", text)
			}
			return nil
		})
		other.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
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
					if text := panicText(t, call); !strings.Contains(text, "one at a time") {
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
