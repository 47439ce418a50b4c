package deferred_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// The tests of this package are named after the rules that Twisted's own tests assert most.

var errBad = errors.New("bad")

type ints = deferred.Deferred[int]

const ms = time.Millisecond

// env is a loop for a test, and what the test has said.
type env struct {
	*testing.T
	*corolla.Loop
	said, left []string
}

func (e *env) say(f string, args ...any) { e.said = append(e.said, fmt.Sprintf(f, args...)) }

// want compares what was said since the last call.
func (e *env) want(want string) {
	e.Helper()
	if got := strings.Join(e.said, " "); got != want {
		e.Errorf("said %q, want %q", got, want)
	}
	e.said = nil
}

// unhandled compares the errors that are reported when the loop is closed.
func (e *env) unhandled(want ...string) {
	e.Helper()
	leaktest.Close(e, e.Loop)
	if len(e.left) != len(want) {
		e.Errorf("reported: %q, want %q", e.left, want)
		return
	}
	for i, w := range want {
		if !strings.Contains(e.left[i], w) {
			e.Errorf("reported: %q, want %q", e.left[i], w)
		}
	}
}

// says adds callbacks that say what they get and pass it on.
func (e *env) says(name string, d *ints) *ints {
	return d.AddBoth(func(v int, err error) (int, error) {
		if err != nil {
			e.say("%s:%v", name, err)
		} else {
			e.say("%s:%d", name, v)
		}
		return v, err
	})
}

// eachLoop runs a test outside of a loop that runs, on a real one and on a simulated one.
func eachLoop(t *testing.T, test func(e *env)) {
	t.Helper()
	for _, host := range []string{"real", "sim"} {
		t.Run(host, func(t *testing.T) {
			e := &env{T: t}
			opts := []corolla.Option{
				corolla.SlowLimit(time.Hour),
				corolla.ErrorHandler(func(err error) { e.left = append(e.left, err.Error()) }),
			}
			if host == "sim" {
				e.Loop = sim.New(1).NewLoop(opts...)
			} else {
				var err error
				e.Loop, err = corolla.New(opts...)
				leaktest.NeedLoop(t, err)
			}
			test(e)
			if !e.Stats().Closed {
				e.unhandled()
			}
		})
	}
}

// eachTask is eachLoop for a test that is a task.
func eachTask(t *testing.T, test func(e *env, t *corolla.Task)) {
	t.Helper()
	eachLoop(t, func(e *env) {
		e.Helper()
		if err := e.Loop.Run(func(t *corolla.Task) error { test(e, t); return nil }); err != nil {
			e.Error(err)
		}
	})
}

// panics returns what f panics with.
func panics(t testing.TB, f func()) (v any) {
	t.Helper()
	defer func() {
		if v = recover(); v == nil {
			t.Error("did not panic")
		}
	}()
	f()
	return nil
}

func ignore(int, error) (int, error) { return 0, nil }

func TestRule01CallbackOfAFiredDeferredRunsAtOnce(t *testing.T) {
	eachLoop(t, func(e *env) {
		d := e.says("a", deferred.Succeed(e.Loop, 3))
		e.say("after")
		e.says("b", d.AddCallback(inc))
		deferred.Then(d, func(v int) (string, error) { e.say("then:%d", v); return "", nil })
		e.says("fail", deferred.Fail[int](e.Loop, errBad)).AddErrback(func(error) (int, error) { return 0, nil })
		e.want("a:3 after b:4 then:4 fail:bad")
	})
}

func TestRule02ErrorGoesToTheNextPair(t *testing.T) {
	eachLoop(t, func(e *env) {
		d := deferred.Succeed(e.Loop, 1)
		d.AddCallback(func(int) (int, error) { return 7, errBad }).AddBoth(func(v int, err error) (int, error) {
			e.say("%d %v", v, err)
			return 1, nil
		})
		d.AddCallbacks(
			func(int) (int, error) { return 7, errBad },
			func(error) (int, error) { e.say("own errback"); return 0, nil })
		d.AddCallbacks(
			func(int) (int, error) { e.say("callback"); return 0, nil },
			func(err error) (int, error) { return 2, nil })
		d.AddCallbacks(nil, nil).AddCallbacks(inc, nil).AddCallbacks(nil, func(error) (int, error) { return 0, nil })
		e.says("end", d)
		e.want("0 bad end:3")
	})
}

// TestRule03InnerDeferred: the chain waits for it, and takes its result over; who comes later gets none.
func TestRule03InnerDeferred(t *testing.T) {
	for _, fired := range []bool{true, false} {
		for _, err := range []error{nil, errBad} {
			t.Run(fmt.Sprint(fired, err), func(t *testing.T) {
				eachLoop(t, func(e *env) {
					inner := deferred.New[int](e.Loop)
					fire := func() {
						if err != nil {
							_ = inner.Errback(err)
						} else {
							_ = inner.Callback(7)
						}
					}
					if fired {
						fire()
					}
					wait := func(int, error) *ints { return inner }
					e.says("a", deferred.Succeed(e.Loop, 1).ChainBoth(wait)).AddBoth(ignore)
					e.says("b", deferred.Fail[int](e.Loop, errBad).ChainErrback(func(error) *ints { return inner }))
					c := deferred.ThenChain(deferred.Succeed(e.Loop, "x"), func(string) *ints { return inner })
					e.says("c", c)
					if !fired {
						e.want("")
						fire()
					}
					e.says("inner", inner)
					first := "a:7"
					if err != nil {
						first = "a:bad"
					}
					e.want(first + " b:0 c:0 inner:0")
				})
			})
		}
	}
}

// TestRule03WaitingForOneself is an error, and not a chain that never goes on.
func TestRule03WaitingForOneself(t *testing.T) {
	for name, f := range map[string]func(e *env) *ints{
		"itself": func(e *env) *ints {
			d := deferred.Succeed(e.Loop, 1)
			return d.ChainCallback(func(int) *ints { return d })
		},
		"nothing": func(e *env) *ints {
			return deferred.DoChain(e.Loop, func() *ints { return nil })
		},
		"one that waits for it": func(e *env) *ints {
			a, b := deferred.New[int](e.Loop), deferred.New[int](e.Loop)
			b.ChainCallback(func(int) *ints { return a })
			a.ChainCallback(func(int) *ints { return b })
			_, _ = b.Callback(1), a.Callback(1)
			return b
		},
		"one that waits for it, of another type": func(e *env) *ints {
			var c *ints
			a := deferred.New[int](e.Loop).ChainCallback(func(int) *ints { return c })
			b := deferred.Then(a, func(int) (bool, error) { return true, nil })
			c = deferred.Then(b, func(bool) (int, error) { return 1, nil })
			_ = a.Callback(1)
			return c
		},
		"one of another loop": func(e *env) *ints {
			l := sim.New(2).NewLoop()
			e.Cleanup(func() { l.Close() })
			return deferred.DoChain(e.Loop, func() *ints { return deferred.New[int](l) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachLoop(t, func(e *env) {
				d := f(e)
				_, err := d.Result()
				if p := new(corolla.PanicError); !errors.As(err, &p) || !strings.Contains(err.Error(), "a callback returned") {
					e.Errorf("it ends with %v", err)
				}
			})
		})
	}
}

func TestRule04CallbackAddedInACallbackRunsBehindTheOthers(t *testing.T) {
	eachLoop(t, func(e *env) {
		d := deferred.New[int](e.Loop)
		d.AddCallback(func(v int) (int, error) {
			e.says("c", d)
			e.say("a")
			return v, nil
		})
		e.says("b", d)
		_ = d.Callback(1)
		e.want("a b:1 c:1")
		convert := func(v int) (int, error) {
			e.say("convert")
			return v + 1, nil
		}
		first := deferred.New[int](e.Loop)
		var then *ints
		first.AddCallback(func(v int) (int, error) { e.says("behind", then); return v, nil })
		then = deferred.Then(first, convert)
		_ = first.Callback(1)
		e.want("convert behind:2")
	})
}

func TestRule05ThousandsOfDeferredsDoNotGrowTheStack(t *testing.T) {
	const links = 50_000
	for _, c := range []struct {
		name     string
		forwards bool // a cancel
		link     func(l *corolla.Loop, d *ints) *ints
	}{
		{"a callback returns it", true, func(l *corolla.Loop, d *ints) *ints {
			return deferred.Succeed(l, 0).ChainCallback(func(int) *ints { return d })
		}},
		{"an errback returns it", true, func(l *corolla.Loop, d *ints) *ints {
			return deferred.Fail[int](l, errBad).ChainErrback(func(error) *ints { return d })
		}},
		{"Then", true, func(_ *corolla.Loop, d *ints) *ints { return deferred.Then(d, inc) }},
		{"ThenBoth", true, func(_ *corolla.Loop, d *ints) *ints {
			return deferred.ThenBoth(d, func(v int, err error) (int, error) { return v, err })
		}},
		{"ChainTo", false, func(l *corolla.Loop, d *ints) *ints {
			next := deferred.New[int](l)
			d.ChainTo(next)
			return next
		}},
		{"Gather", false, func(l *corolla.Loop, d *ints) *ints {
			return deferred.Then(deferred.Gather(l, []*ints{d}), func(v []int) (int, error) { return v[0], nil })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachLoop(t, func(e *env) {
				made := func() (first, last *ints) {
					first = deferred.New[int](e.Loop)
					last = first
					for range links {
						last = c.link(e.Loop, last)
					}
					return first, last
				}
				first, d := made()
				d.AddCallback(func(int) (int, error) {
					e.say("end, flat: %v", runtime.Callers(0, make([]uintptr, 60)) < 50)
					return 0, nil
				})
				_ = first.Callback(1)
				e.want("end, flat: true")
				if first, d = made(); c.forwards && (!d.Cancel(nil) || !first.Called()) {
					e.Error("the cancel has not reached the first")
				}
			})
		})
	}
}
