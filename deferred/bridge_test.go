package deferred_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
)

// TestRule15GoRunsToItsFirstWait, and ends as soon as its body does.
func TestRule15GoRunsToItsFirstWait(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		inner := deferred.New[int](e.Loop)
		d := deferred.Go(e.Loop, func(t *corolla.Task) (int, error) {
			if v, err := deferred.Succeed(e.Loop, 1).Await(t); v != 1 || err != nil {
				e.Errorf("Await = %d, %v", v, err)
			}
			e.say("first")
			v, err := inner.Await(t)
			e.say("then %v %v", v, err)
			return v + 1, err
		})
		e.says("end", d)
		e.say("started")
		_ = inner.Callback(7)
		v, err := d.Await(task)
		e.say("%d %v", v, err)
		e.want("first started then 7 <nil> end:8 8 <nil>")
		if v, err := deferred.Go(e.Loop, func(*corolla.Task) (int, error) { return 3, nil }).Result(); v != 3 || err != nil {
			e.Errorf("of a body that does not wait: %v, %v", v, err)
		}
	})
}

func TestRule15CancelReachesWhatIsAwaited(t *testing.T) {
	for name, c := range map[string]struct {
		canceler func(d *ints, cause error)
		body     func(v int, err error) (int, error)
		want     string
	}{
		"it fails": {
			func(*ints, error) {}, func(v int, err error) (int, error) { return v, err },
			"canceled end:canceled: bad",
		},
		"it catches that": {
			func(*ints, error) {},
			func(v int, err error) (int, error) {
				if !errors.Is(err, corolla.ErrCanceled) {
					return 0, err
				}
				return 5, nil
			}, "canceled end:5",
		},
		"the canceler has a value": {
			func(d *ints, _ error) { _ = d.Callback(6) }, func(v int, err error) (int, error) { return v, err },
			"canceled end:6",
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachTask(t, func(e *env, task *corolla.Task) {
				inner := deferred.NewCancelable(e.Loop, c.canceler)
				d := deferred.Go(e.Loop, func(t *corolla.Task) (int, error) { return c.body(inner.Await(t)) })
				e.says("end", d).AddBoth(ignore)
				if !d.Cancel(errBad) || !inner.Called() {
					e.Error("the cancel has not reached the inner one")
				}
				e.say("canceled")
				_, _ = d.Await(task)
				e.want(c.want)
			})
		})
	}
}

func TestGoFails(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		for want, body := range map[string]func(t *corolla.Task) (int, error){
			"bad":   func(*corolla.Task) (int, error) { return 1, errBad },
			"oops":  func(*corolla.Task) (int, error) { panic(errors.New("oops")) },
			"later": func(t *corolla.Task) (int, error) { return 1, errors.Join(t.Yield(), errors.New("later")) },
		} {
			v, err := deferred.Go(e.Loop, body, corolla.Name("a name")).Await(task)
			if v != 0 || err == nil || !strings.HasSuffix(err.Error(), want) {
				e.Errorf("%s: %v, %v", want, v, err)
			}
		}
		d := deferred.Go(e.Loop, func(t *corolla.Task) (int, error) { return 1, t.Yield() })
		_ = d.Callback(4) // by somebody else
		if v, err := d.Await(task); v != 4 || err != nil {
			e.Errorf("%v, %v", v, err)
		}
		if err := task.Yield(); err != nil {
			e.Error(err)
		}
	})
}

// TestAwait parks until the whole chain has come to its end, and cancels it unless shielded.
func TestAwait(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		d := deferred.New[int](e.Loop).AddCallback(inc).ChainCallback(func(v int) *ints {
			return deferred.Later(e.Loop, ms, func() (int, error) { return v * 2, nil })
		})
		e.Soon(func() { _ = d.Callback(1) })
		v, err := d.Await(task)
		e.say("%d %v", v, err)
		e.says("left", d)
		v, err = deferred.Fail[int](e.Loop, errBad).Await(task)
		e.say("%d %v", v, err)
		e.want("4 <nil> left:0 0 bad")

		var timeout *corolla.TimeoutError
		d = deferred.New[int](e.Loop)
		err = task.Timeout(ms, func(*corolla.Scope) error { _, err := d.Await(task); return err })
		if !errors.As(err, &timeout) || !d.Called() {
			e.Errorf("Await ended with %v; called: %v", err, d.Called())
		}
		d = deferred.New[int](e.Loop)
		err = task.Timeout(ms, func(*corolla.Scope) error { _, err := corolla.Shield(d.Future()).Await(task); return err })
		if !errors.As(err, &timeout) || d.Called() {
			e.Errorf("shielded, Await ended with %v; called: %v", err, d.Called())
		}
	})
}

func TestFutures(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		done, failed, pending := corolla.NewFuture[int](e.Loop), corolla.NewFuture[int](e.Loop), corolla.NewFuture[int](e.Loop)
		_, _ = done.Resolve(3), failed.Fail(errBad)
		e.says("done", deferred.FromFuture(done))
		e.says("failed", deferred.FromFuture(failed)).AddBoth(ignore)
		d := e.says("pending", deferred.FromFuture(pending))
		e.Soon(func() { _ = pending.Resolve(4) })
		_, _ = d.Await(task)
		e.want("done:3 failed:bad pending:4")

		d = deferred.FromFuture(corolla.NewFuture[int](e.Loop))
		e.says("canceled", d)
		d.Cancel(errBad)
		e.want("canceled:canceled: bad")

		work := corolla.NewFuture[int](e.Loop) // takes its time to end
		work.OnCancel(func(error) { e.Soon(func() { _ = work.Resolve(9) }) })
		d = e.says("late", deferred.FromFuture(work))
		d.Cancel(nil)
		e.want("")
		_, _ = d.Await(task)
		e.want("late:9")

		inner := deferred.New[int](e.Loop)
		f := inner.Future()
		f.Cancel(errBad)
		if !f.Canceled() || !inner.Called() {
			e.Error("a future's cancel does not reach its Deferred")
		}
		inner = deferred.New[int](e.Loop)
		f = inner.Future()
		_ = f.Resolve(1) // by somebody else
		_ = inner.Callback(5)
		e.says("kept", inner)
		e.want("kept:5")
	})
}

// TestOtherGoroutines: deferToThread and blockingCallFromThread.
func TestOtherGoroutines(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		d := deferred.FromFuture(corolla.Offload(e.Loop, func() (int, error) { return 5, nil })).AddCallback(inc)
		v, err := d.Await(task)
		e.say("%d %v", v, err)
		d = deferred.FromFuture(corolla.Offload(e.Loop, func() (int, error) { panic("oops") }))
		if _, err = d.Await(task); !errors.As(err, new(*corolla.PanicError)) {
			e.Errorf("the work panicked, and its error is %v", err)
		}
		e.want("6 <nil>")
	})
	l, err := corolla.New(corolla.SlowLimit(0))
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no event loop here")
	}
	ended := make(chan error)
	go func() { ended <- l.RunForever() }()
	v, err := corolla.Call(context.Background(), l, func(t *corolla.Task) (int, error) {
		return deferred.Later(l, ms, func() (int, error) { return 7, nil }).Await(t)
	})
	if v != 7 || err != nil {
		t.Errorf("Call = %d, %v", v, err)
	}
	l.Stop()
	if err := errors.Join(<-ended, l.Close()); err != nil {
		t.Error(err)
	}
}

func TestLater(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		begin := e.Now()
		v, err := deferred.Later(e.Loop, 3*ms, func() (int, error) { return 7, errBad }).Await(task)
		if v != 0 || err != errBad || e.Now()-begin < 3*ms {
			e.Errorf("%v, %v, after %v", v, err, e.Now()-begin)
		}
		d := e.says("end", deferred.Later(e.Loop, ms, func() (int, error) { e.say("called"); return 0, nil }))
		d.Cancel(nil)
		if n := e.Stats().Timers; n != 0 {
			e.Errorf("%d timers are left", n)
		}
		e.want("end:canceled")
	})
}
