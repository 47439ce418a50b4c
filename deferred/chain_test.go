package deferred_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
)

// answer returns a callback that returns a result.
func answer(v any, err error) func(any) (any, error) {
	return func(any) (any, error) { return v, err }
}

// says returns both callbacks, which say what they get and pass it on.
func says(say func(string, ...any), who string) (func(any) (any, error), func(error) (any, error)) {
	return func(v any) (any, error) { say("%s:%v", who, v); return v, nil },
		func(err error) (any, error) { say("%s!%v", who, err); return nil, err }
}

// TestChainWaitsForAnInnerOneThatIsRunning: its result is that of the callback that runs, not what
// that was given.
func TestChainWaitsForAnInnerOneThatIsRunning(t *testing.T) {
	chain(t, "inside outer:result inner:<nil>", "", func(l *corolla.Loop, say func(string, ...any)) {
		inner := deferred.New(l)
		inner.AddCallback(func(any) (any, error) {
			deferred.Succeed(l, nil).AddCallback(answer(inner, nil)).AddCallbacks(says(say, "outer"))
			say("inside")
			return "result", nil
		})
		_ = inner.Callback("given")
		inner.AddCallbacks(says(say, "inner"))
	})
}

// TestChainWaitsForAnInnerOneThatWaits: one that was called is not at its end while it waits for
// another.
func TestChainWaitsForAnInnerOneThatWaits(t *testing.T) {
	chain(t, "waiting outer:7", "", func(l *corolla.Loop, say func(string, ...any)) {
		last := deferred.New(l)
		inner := deferred.Succeed(l, nil).AddCallback(answer(last, nil))
		deferred.Succeed(l, nil).AddCallback(answer(inner, nil)).AddCallbacks(says(say, "outer"))
		say("waiting")
		_ = last.Callback(7)
	})
}

// TestTwoChainsWaitForOne: the first takes the result (rule 3).
func TestTwoChainsWaitForOne(t *testing.T) {
	chain(t, "first:7 second:<nil>", "", func(l *corolla.Loop, say func(string, ...any)) {
		inner := deferred.New(l)
		deferred.Succeed(l, nil).AddCallback(answer(inner, nil)).AddCallbacks(says(say, "first"))
		deferred.Succeed(l, nil).AddCallback(answer(inner, nil)).AddCallbacks(says(say, "second"))
		_ = inner.Callback(7)
	})
}

// TestErrorOfAnInnerOneIsTheOuters: it is no error of the inner one any more, and is reported once.
func TestErrorOfAnInnerOneIsTheOuters(t *testing.T) {
	for _, late := range []bool{false, true} {
		chain(t, "outer!bad inner:<nil>", "nobody looked at the error: bad", func(l *corolla.Loop, say func(string, ...any)) {
			inner := deferred.New(l)
			if !late {
				_ = inner.Errback(errBad)
			}
			outer := deferred.Succeed(l, nil).AddCallback(answer(inner, nil)).AddCallbacks(says(say, "outer"))
			if late {
				_ = inner.Errback(errBad)
			}
			inner.AddCallbacks(says(say, "inner"))
			l.OnClose(func() { _ = outer }) // it is not collected before
		})
	}
}

func TestPairsPassOnWhatTheyDoNotHandle(t *testing.T) {
	chain(t, "a:1 b:1 c!bad d!bad e:<nil>", "", func(l *corolla.Loop, say func(string, ...any)) {
		d := deferred.Succeed(l, 1)
		d.AddCallbacks(says(say, "a"))
		d.AddErrback(func(error) (any, error) { say("not reached"); return nil, nil })
		d.AddCallbacks(nil, nil)
		d.AddBoth(func(v any, err error) (any, error) { say("b:%v", v); return v, errBad })
		d.AddCallback(func(any) (any, error) { say("not reached"); return nil, nil })
		d.AddCallbacks(says(say, "c"))
		d.AddBoth(func(v any, err error) (any, error) { say("d!%v", err); return v, nil })
		d.AddCallbacks(says(say, "e"))
	})
}

// TestErrorWithADeferredIsAnError: an errback runs, and nobody waits.
func TestErrorWithADeferredIsAnError(t *testing.T) {
	chain(t, "next!bad", "", func(l *corolla.Loop, say func(string, ...any)) {
		d := deferred.Succeed(l, nil).AddCallback(answer(deferred.New(l), errBad)).AddCallbacks(says(say, "next"))
		d.AddErrback(func(error) (any, error) { return nil, nil })
	})
}

func TestPanicInACallbackIsTheNextErrback(t *testing.T) {
	chain(t, "oops <nil>", "", func(l *corolla.Loop, say func(string, ...any)) {
		d := deferred.Succeed(l, 1).AddCallback(func(any) (any, error) { panic("oops") })
		d.AddBoth(func(v any, err error) (any, error) {
			var p *corolla.PanicError
			if !errors.As(err, &p) || len(p.Stack) == 0 {
				t.Errorf("got %v", err)
			}
			say("%v %v", p.Value, v)
			return nil, nil
		})
	})
}

// TestErrorThatIsHandledLateIsNotReported: the loop asks at its end.
func TestErrorThatIsHandledLateIsNotReported(t *testing.T) {
	chain(t, "late!bad", "", func(l *corolla.Loop, say func(string, ...any)) {
		d := deferred.Fail(l, errBad)
		d.AddErrback(func(err error) (any, error) { say("late!%v", err); return nil, nil })
	})
}

func TestMisusePanics(t *testing.T) {
	chain(t, "Callback Errback", "", func(l *corolla.Loop, say func(string, ...any)) {
		for _, c := range []struct {
			name string
			call func(d *deferred.Deferred) error
		}{
			{"Callback", func(d *deferred.Deferred) error { return d.Callback(deferred.New(l)) }},
			{"Errback", func(d *deferred.Deferred) error { return d.Errback(nil) }},
		} {
			func() {
				d := deferred.New(l)
				defer func() {
					if recover() != nil && !d.Called() {
						say(c.name)
					}
				}()
				_ = c.call(d)
			}()
		}
	})
}

func TestCalled(t *testing.T) {
	chain(t, "false true true true", "nobody looked at the error: bad", func(l *corolla.Loop, say func(string, ...any)) {
		d, failed := deferred.New(l), deferred.Fail(l, errBad)
		say("%v", d.Called())
		_ = d.Callback(nil)
		say("%v %v %v", d.Called(), failed.Called(), deferred.Succeed(l, nil).Called())
	})
}

// TestCanceledAwaitLeavesTheResult: it is for whoever comes next, and an error is reported.
func TestCanceledAwaitLeavesTheResult(t *testing.T) {
	for _, c := range []struct {
		err       error
		unhandled string
		says      string
	}{{nil, "", "next:5"}, {errBad, "nobody looked at the error: bad", "next!bad"}} {
		chain(t, "canceled "+c.says, c.unhandled, func(l *corolla.Loop, say func(string, ...any)) {
			d := deferred.New(l)
			if err := l.Run(func(task *corolla.Task) error {
				waiting := l.Go(func(task *corolla.Task) error { _, err := d.Await(task); return err })
				if err := task.Yield(); err != nil {
					return err
				}
				waiting.Cancel(nil)
				if _, err := waiting.Await(task); errors.Is(err, corolla.ErrCanceled) {
					say("canceled")
				}
				if c.err != nil {
					return d.Errback(c.err)
				}
				return d.Callback(5)
			}); err != nil {
				t.Error(err)
			}
			d.AddCallbacks(says(say, "next"))
			l.OnClose(func() { _ = d })
		})
	}
}

// TestAwaitTakesTheResult: the chain goes on with nothing.
func TestAwaitTakesTheResult(t *testing.T) {
	chain(t, "5 <nil> next:<nil>", "", func(l *corolla.Loop, say func(string, ...any)) {
		if err := l.Run(func(task *corolla.Task) error {
			d := deferred.Succeed(l, 5)
			v, err := d.Await(task)
			say("%v %v", v, err)
			d.AddCallbacks(says(say, "next"))
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestAwaitWaitsForTheWholeChain: also for what its callbacks wait for.
func TestAwaitWaitsForTheWholeChain(t *testing.T) {
	chain(t, fmt.Sprint("a:1 b:2 3 ", error(nil)), "", func(l *corolla.Loop, say func(string, ...any)) {
		if err := l.Run(func(task *corolla.Task) error {
			inner := deferred.New(l)
			d := deferred.New(l)
			d.AddCallback(func(v any) (any, error) { say("a:%v", v); return inner, nil })
			d.AddCallback(func(v any) (any, error) { say("b:%v", v); return 3, nil })
			l.Soon(func() { _ = d.Callback(1); l.Soon(func() { _ = inner.Callback(2) }) })
			v, err := d.Await(task)
			say("%v %v", v, err)
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}
