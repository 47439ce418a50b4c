package deferred_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
)

// TestRule06And07And08Canceler is the matrix of what a canceler does, and what the maker does later.
func TestRule06And07And08Canceler(t *testing.T) {
	second := map[string]func(d *ints) error{
		"callback": func(d *ints) error { return d.Callback(5) },
		"errback":  func(d *ints) error { return d.Errback(errors.New("late")) },
		"cancel": func(d *ints) error {
			if d.Cancel(nil) {
				return errors.New("canceled again")
			}
			return deferred.ErrAlreadyCalled
		},
	}
	for _, c := range []struct {
		name     string
		canceler func(d *ints, cause error)
		said     string
		again    error // the answer to a second result
		third    error // to a third
	}{
		{"none", nil, "end:canceled: bad", nil, deferred.ErrAlreadyCalled},
		{"silent", func(*ints, error) {}, "end:canceled: bad", deferred.ErrAlreadyCalled, deferred.ErrAlreadyCalled},
		{"fires", func(d *ints, _ error) { _ = d.Callback(2) }, "end:2", deferred.ErrAlreadyCalled, deferred.ErrAlreadyCalled},
		{"fails", func(d *ints, err error) { _ = d.Errback(err) }, "end:bad", deferred.ErrAlreadyCalled, deferred.ErrAlreadyCalled},
		{"panics", func(*ints, error) { panic("oops") }, "", nil, deferred.ErrAlreadyCalled},
	} {
		for then, again := range second {
			t.Run(c.name+"/"+then, func(t *testing.T) {
				eachLoop(t, func(e *env) {
					d := deferred.New[int](e.Loop)
					if c.canceler != nil {
						d = deferred.NewCancelable(e.Loop, c.canceler)
					}
					e.says("end", d).AddBoth(ignore)
					if c.name == "panics" {
						if v := panics(e, func() { d.Cancel(errBad) }); v != "oops" || d.Called() {
							e.Errorf("the panic that came out: %v; called: %v", v, d.Called())
						}
					} else if !d.Cancel(errBad) {
						e.Error("there was nothing to cancel")
					}
					e.want(c.said)
					if c.name == "panics" {
						return
					}
					if then != "cancel" {
						if err := again(d); err != c.again {
							e.Errorf("%s afterwards: %v, want %v", then, err, c.again)
						}
					}
					if err := second[then](d); err != c.third {
						e.Errorf("%s at last: %v, want %v", then, err, c.third)
					}
					e.want("")
				})
			})
		}
	}
}

func TestRule06SecondResultIsRefused(t *testing.T) {
	eachLoop(t, func(e *env) {
		d := deferred.Succeed(e.Loop, 1)
		waits := deferred.Then(deferred.New[int](e.Loop), inc)
		for _, d := range []*ints{d, waits} {
			if err := d.Callback(2); err != deferred.ErrAlreadyCalled {
				e.Errorf("second Callback: %v", err)
			}
			if err := d.Errback(errBad); err != deferred.ErrAlreadyCalled {
				e.Errorf("Errback after Callback: %v", err)
			}
		}
		if v, err := d.Result(); v != 1 || err != nil {
			e.Errorf("%v, %v", v, err)
		}
	})
}

// TestRule07CancelGoesToTheInnerOne, through Deferreds of other types.
func TestRule07CancelGoesToTheInnerOne(t *testing.T) {
	eachLoop(t, func(e *env) {
		inner := deferred.NewCancelable(e.Loop, func(_ *ints, cause error) { e.say("canceler:%v", cause) })
		middle := deferred.Then(inner, func(int) (bool, error) { return true, nil })
		outer := deferred.ThenChain(deferred.Succeed(e.Loop, ""), func(string) *deferred.Deferred[bool] { return middle })
		last := deferred.ThenBoth(outer, func(_ bool, err error) (int, error) {
			if !errors.Is(err, corolla.ErrCanceled) || !errors.Is(err, context.Canceled) || !errors.Is(err, errBad) {
				e.Errorf("the error is %v", err)
			}
			return 3, nil
		})
		if !last.Cancel(errBad) {
			e.Error("there was nothing to cancel")
		}
		e.says("last", last)
		e.want("canceler:bad last:3")
		if last.Cancel(nil) {
			e.Error("it was canceled once more")
		}
		// One that is running, or paused, is not canceled: it has its result.
		d := deferred.New[int](e.Loop)
		d.AddCallback(func(v int) (int, error) { e.say("%v", d.Cancel(nil)); return v, nil })
		d.Pause()
		_ = d.Callback(1)
		e.say("%v", d.Cancel(nil))
		d.Unpause()
		e.want("false false")
	})
}

func TestRule09ErrorsAreNoValues(t *testing.T) {
	eachLoop(t, func(e *env) {
		for _, f := range []func(){
			func() { _ = deferred.New[int](e.Loop).Errback(nil) },
			func() { deferred.Fail[int](e.Loop, nil) },
		} {
			if v := panics(e, f); !strings.Contains(v.(string), "nil error") {
				e.Errorf("it says %v", v)
			}
		}
	})
}

func TestRule10UnhandledErrorIsReportedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		make func(e *env)
		want []string
	}{
		"fail":      {func(e *env) { deferred.Fail[int](e.Loop, errBad).AddCallback(inc) }, []string{"looked at the error: bad"}},
		"handled":   {func(e *env) { deferred.Fail[int](e.Loop, errBad).AddBoth(ignore) }, nil},
		"canceled":  {func(e *env) { deferred.New[int](e.Loop).Cancel(errBad) }, nil},
		"looked at": {func(e *env) { _, _ = deferred.Fail[int](e.Loop, errBad).Result() }, nil},
		"panic": {func(e *env) {
			deferred.Do(e.Loop, func() (int, error) { panic("oops") })
		}, []string{"panic in a callback of a Deferred: oops"}},
		"of the last in line": {func(e *env) {
			deferred.Then(deferred.Then(deferred.Fail[int](e.Loop, errBad), inc), inc)
		}, []string{"bad"}},
		"of both": {func(e *env) {
			deferred.All(e.Loop, []*ints{deferred.Fail[int](e.Loop, errBad)}, deferred.FireOnError)
		}, []string{"bad", "the first error, of number 0: bad"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachLoop(t, func(e *env) {
				c.make(e)
				e.unhandled(c.want...)
			})
		})
	}
}

// TestReportSaysWhereItComesFrom in debug mode: the Deferred, and its error.
func TestReportSaysWhereItComesFrom(t *testing.T) {
	const here = "deferred/cancel_test.go:"
	for _, c := range []struct {
		name, raised string
		make         func(l *corolla.Loop)
	}{
		{"Errback", "Errback at " + here, func(l *corolla.Loop) { _ = deferred.New[int](l).Errback(errBad) }},
		{"Fail", "Fail at " + here, func(l *corolla.Loop) { deferred.Fail[int](l, errBad) }},
		{"a callback", "the callback at " + here, func(l *corolla.Loop) {
			deferred.Succeed(l, 1).AddCallback(func(int) (int, error) { return 0, errBad })
		}},
		{"another", "Errback at " + here, func(l *corolla.Loop) {
			d := deferred.New[int](l)
			deferred.Then(deferred.DoChain(l, func() *ints { return d }), inc)
			_ = d.Errback(errBad)
		}},
		{"passed on", "Fail at " + here, func(l *corolla.Loop) {
			deferred.Fail[int](l, errBad).AddErrback(func(err error) (int, error) { return 0, err })
		}},
		{"Do", "the callback at " + here, func(l *corolla.Loop) { deferred.Do(l, func() (int, error) { return 0, errBad }) }},
		{"a task", "cancel_test.go:", func(l *corolla.Loop) {
			deferred.Go(l, func(*corolla.Task) (int, error) { return 0, errBad })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log []error
			l := sim.New(1).NewLoop(corolla.Debug(), corolla.ErrorHandler(func(err error) { log = append(log, err) }))
			c.make(l)
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if len(log) != 1 {
				t.Fatalf("reported: %v", log)
			}
			made, raised, _ := strings.Cut(log[0].Error(), "(its error comes from ")
			if !strings.Contains(made, "a Deferred made at "+here) || !strings.Contains(raised, c.raised) {
				t.Errorf("reported: %v", log[0])
			}
		})
	}
}

// TestRule11AddTimeout covers the callbacks that were added before it.
func TestRule11AddTimeout(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(e *env) *ints
		want string
	}{
		{"in time", func(e *env) *ints {
			return deferred.Later(e.Loop, ms, func() (int, error) { return 1, nil }).AddTimeout(2 * ms)
		}, "end:1"},
		{"too late", func(e *env) *ints { return deferred.New[int](e.Loop).AddTimeout(2 * ms) }, "end:timed out after 2ms"},
		{"there already", func(e *env) *ints { return deferred.Succeed(e.Loop, 1).AddTimeout(2 * ms) }, "end:1"},
		{"the canceler has a value", func(e *env) *ints {
			return deferred.NewCancelable(e.Loop, func(d *ints, _ error) { _ = d.Callback(4) }).AddTimeout(2 * ms)
		}, "end:4"},
		{"the canceler has another error", func(e *env) *ints {
			return deferred.NewCancelable(e.Loop, func(d *ints, _ error) { _ = d.Errback(errBad) }).AddTimeout(2 * ms)
		}, "end:bad"},
		{"canceled before", func(e *env) *ints {
			d := deferred.New[int](e.Loop).AddTimeout(2 * ms)
			e.After(ms, func() { d.Cancel(errBad) })
			return d
		}, "end:canceled: bad"},
		{"what comes later has time", func(e *env) *ints {
			return deferred.Succeed(e.Loop, 1).AddCallback(inc).AddTimeout(2 * ms).ChainCallback(func(v int) *ints {
				return deferred.Later(e.Loop, 5*ms, func() (int, error) { return v, nil })
			})
		}, "end:2"},
		{"what comes before has not", func(e *env) *ints {
			return deferred.Succeed(e.Loop, 1).ChainCallback(func(v int) *ints {
				return deferred.Later(e.Loop, 5*ms, func() (int, error) { e.say("called"); return v, nil })
			}).AddTimeout(2 * ms)
		}, "end:timed out after 2ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachTask(t, func(e *env, task *corolla.Task) {
				_, err := e.says("end", c.make(e)).Await(task)
				e.want(c.want)
				if strings.Contains(c.want, "timed out") && !errors.Is(err, os.ErrDeadlineExceeded) {
					e.Errorf("the error is %v", err)
				}
				if n := e.Stats().Timers; n != 0 {
					e.Errorf("%d timers are left", n)
				}
			})
		})
	}
}
