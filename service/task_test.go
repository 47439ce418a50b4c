package service_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
)

var errOver = errors.New("it is over")

// What Start, the service and Stop make of what a body does.
func TestTaskBody(t *testing.T) {
	ready := func(t *corolla.Task, ready func()) error { ready(); return t.Park("the end") }
	for name, c := range map[string]struct {
		body   func(t *corolla.Task, ready func()) error
		opts   func(run **corolla.Task) []service.TaskOption
		start  error
		failed error // before Stop
		stop   error
	}{
		"it waits":              {body: ready},
		"it has done its work":  {body: func(_ *corolla.Task, ready func()) error { ready(); return nil }},
		"it never was ready":    {body: func(*corolla.Task, func()) error { return nil }},
		"it cannot start":       {body: func(*corolla.Task, func()) error { return errLuck }, start: errLuck},
		"it fails":              {body: func(_ *corolla.Task, ready func()) error { ready(); return errLuck }, failed: errLuck},
		"it is killed":          {body: func(t *corolla.Task, ready func()) error { ready(); t.Cancel(nil); return t.Yield() }, failed: corolla.ErrCanceled},
		"it cleans up":          {body: func(t *corolla.Task, r func()) error { _ = ready(t, r); return nil }},
		"it cannot clean up":    {body: func(t *corolla.Task, r func()) error { return errors.Join(ready(t, r), errLuck) }, stop: errLuck},
		"it is told":            {body: told, opts: tell(nil, errOver)},
		"it is told, says else": {body: told, opts: tell(nil), stop: errOver},
		"it cannot be told":     {body: told, opts: tell(errLuck, errOver), stop: errLuck},
		"what tells it panics":  {body: told, opts: tell(nil, errOver, errPanic), stop: &corolla.PanicError{}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var run *corolla.Task
				var opts []service.TaskOption
				if c.opts != nil {
					opts = c.opts(&run)
				}
				s := service.NewTask("s", func(t *corolla.Task, ready func()) error { run = t; return c.body(t, ready) }, opts...)
				for range 2 { // it can be started again
					var failed error
					s.OnFail(func(err error) { failed = errors.Join(failed, err) })
					if err := s.Start(task); !errors.Is(err, c.start) {
						t.Fatalf("Start: %v, want %v", err, c.start)
					}
					until(t, task, "it is idle", func() bool { return c.failed == nil || failed != nil })
					if !errors.Is(failed, c.failed) {
						t.Errorf("it fails with %v, want %v", failed, c.failed)
					}
					err := s.Stop(task)
					if p := (*corolla.PanicError)(nil); errors.As(c.stop, &p) != errors.As(err, &p) || p == nil && !errors.Is(err, c.stop) {
						t.Errorf("Stop: %v, want %v", err, c.stop)
					}
				}
			})
		})
	}
}

var errPanic = errors.New("panic")

// told is a body that ends when its task is unparked, which tell does.
func told(t *corolla.Task, ready func()) error {
	ready()
	return errors.Join(t.Park("being told"), errOver)
}

func tell(err error, over ...error) func(run **corolla.Task) []service.TaskOption {
	return func(run **corolla.Task) []service.TaskOption {
		return []service.TaskOption{service.StopWith(func(*corolla.Task) error {
			if len(over) == 2 {
				panic("oops")
			}
			if err == nil {
				(*run).Unpark()
			}
			return err
		}, over...)}
	}
}

// A start that is canceled ends the body, also one that takes its time.
func TestTaskStartIsCanceled(t *testing.T) {
	for name, c := range map[string]struct {
		body func(t *corolla.Task) error
		want []string
	}{
		"it ends":       {func(t *corolla.Task) error { return t.Park("being ready") }, []string{"canceled: bad luck"}},
		"with an error": {func(t *corolla.Task) error { return errors.Join(t.Park("being ready"), errOver) }, []string{"canceled: bad luck", "canceled: canceled: bad luck", "it is over"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				ended := false
				s := service.NewTask("s", func(t *corolla.Task, _ func()) error {
					defer func() { ended = true }()
					err := c.body(t)
					_ = t.Shielded(func(*corolla.Scope) error { return t.Sleep(time.Millisecond) })
					return err
				})
				f := started(task, s.Start)
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
				f.Cancel(errLuck)
				err := mustEnd(t, task, f)
				if !ended || s.Running() {
					t.Errorf("the body has ended: %v; running: %v", ended, s.Running())
				}
				says(t, err, c.want...)
			})
		})
	}
}

// A timer calls at once and then at intervals. Stop waits for a call, but not when it may not.
func TestTimerService(t *testing.T) {
	for name, c := range map[string]struct {
		call   func(t *corolla.Task, n int) error // the n-th, from 0
		cancel bool                               // the one that stops it
		calls  int
		failed error
		done   bool // the last call has come to its end
	}{
		"between calls":        {call: func(*corolla.Task, int) error { return nil }, calls: 3, done: true},
		"within a call":        {call: slow(2), calls: 3, done: true},
		"within a call, hurry": {call: slow(2), cancel: true, calls: 3},
		"a call fails":         {call: func(_ *corolla.Task, n int) error { return []error{nil, errLuck}[n] }, calls: 2, failed: errLuck, done: true},
		"the first call fails": {call: func(*corolla.Task, int) error { return errLuck }, calls: 1, failed: errLuck, done: true},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				n, ends := 0, 0
				var failed error
				s := service.NewTimer("s", time.Millisecond, func(t *corolla.Task) error {
					n++
					err := c.call(t, n-1)
					if !errors.Is(err, corolla.ErrCanceled) {
						ends++
					}
					return err
				})
				s.OnFail(func(err error) { failed = err })
				if err := s.Start(task); err != nil {
					t.Fatal(err)
				}
				until(t, task, "calls", func() bool { return n >= c.calls && (c.failed == nil || failed != nil) })
				stop := started(task, s.Stop)
				if c.cancel {
					stop.Cancel(nil)
				}
				if err := mustEnd(t, task, stop); err != nil && !c.cancel {
					t.Errorf("Stop: %v", err)
				}
				at := n
				if err := task.Sleep(3 * time.Millisecond); err != nil || n != at || n < c.calls {
					t.Errorf("%d calls, %d when it was stopped, want %d; %v", n, at, c.calls, err)
				}
				if !errors.Is(failed, c.failed) || (ends == n) != c.done {
					t.Errorf("failed: %v, want %v; %d of %d calls have ended", failed, c.failed, ends, n)
				}
			})
		})
	}
}

// slow is a call that takes its time the n-th time.
func slow(n int) func(t *corolla.Task, n int) error {
	return func(t *corolla.Task, i int) error {
		if i < n {
			return nil
		}
		return t.Sleep(5 * time.Millisecond)
	}
}
