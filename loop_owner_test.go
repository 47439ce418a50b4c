package corolla_test

import (
	"errors"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
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

func TestLoopsAreForgottenWhenTheyStop(t *testing.T) {
	before := corolla.LoopsInUse()
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.SlowLimit(0))
		run(t, l, func(*corolla.Task) error {
			if n := corolla.LoopsInUse(); n != before+1 {
				t.Errorf("%d loops are in use while one runs, %d before", n, before)
			}
			return nil
		})
		if n := corolla.LoopsInUse(); n != before {
			t.Errorf("%d loops are in use after Run, %d before", n, before)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if n := corolla.LoopsInUse(); n != before {
			t.Errorf("%d loops are in use after Close, %d before", n, before)
		}
	})
}

func TestDebugModeRefusesForeignGoroutines(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.Debug())
		defer l.Close()
		run(t, l, func(task *corolla.Task) error {
			l.Soon(func() {}) // the loop's own coroutine may
			var text atomic.Value
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { text.Store(recover()) }()
				l.Soon(func() {})
			}()
			<-done
			if got, _ := text.Load().(string); !strings.Contains(got, "use Post") {
				t.Errorf("Soon from a foreign goroutine: %q", got)
			}
			return task.Yield()
		})
	})
}
