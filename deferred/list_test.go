package deferred_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
)

// three returns Deferreds that say their names when they are canceled.
func three(e *env) []*ints {
	ds := make([]*ints, 3)
	for i := range ds {
		ds[i] = deferred.NewCancelable(e.Loop, func(*ints, error) { e.say("cancel %d", i) })
	}
	return ds
}

// tell adds callbacks that say what a list came to.
func tell[T any](e *env, d *deferred.Deferred[T]) *deferred.Deferred[T] {
	return d.AddBoth(func(v T, err error) (T, error) {
		if err != nil {
			e.say("list:%v", err)
		} else {
			e.say("list:%v", v)
		}
		return v, nil
	})
}

// TestRule12And13Lists fires three Deferreds with 10, an error and 30, and says what the list came to
// meanwhile, and what is left on each.
func TestRule12And13Lists(t *testing.T) {
	for _, c := range []struct {
		name string
		list func(e *env, ds []*ints)
		want string
	}{
		{
			"All", func(e *env, ds []*ints) { tell(e, deferred.All(e.Loop, ds)) },
			"0 1 2 list:[{10 <nil>} {0 bad} {30 <nil>}] 0:10 1:bad 2:30",
		},
		{
			"All, consuming", func(e *env, ds []*ints) { tell(e, deferred.All(e.Loop, ds, deferred.ConsumeErrors)) },
			"0 1 2 list:[{10 <nil>} {0 bad} {30 <nil>}] 0:10 1:0 2:30",
		},
		{
			"All, to the first error", func(e *env, ds []*ints) { tell(e, deferred.All(e.Loop, ds, deferred.FireOnError)) },
			"0 1 list:the first error, of number 1: bad 2 0:10 1:bad 2:30",
		},
		{"All, both", func(e *env, ds []*ints) {
			tell(e, deferred.All(e.Loop, ds, deferred.FireOnError, deferred.ConsumeErrors))
		}, "0 1 list:the first error, of number 1: bad 2 0:10 1:0 2:30"},
		{
			"Gather", func(e *env, ds []*ints) { tell(e, deferred.Gather(e.Loop, ds)) },
			"0 1 list:the first error, of number 1: bad 2 0:10 1:bad 2:30",
		},
		{
			"Gather, without the bad one", func(e *env, ds []*ints) { tell(e, deferred.Gather(e.Loop, []*ints{ds[2], ds[0]})) },
			"0 1 2 list:[30 10] 0:10 1:bad 2:30",
		},
		{"First", func(e *env, ds []*ints) { tell(e, deferred.First(e.Loop, ds)) }, "0 list:{0 10} 1 2 0:10 1:bad 2:30"},
		{
			"First of the others", func(e *env, ds []*ints) { tell(e, deferred.First(e.Loop, ds[1:], deferred.ConsumeErrors)) },
			"0 1 2 list:{1 30} 0:10 1:0 2:30",
		},
		{
			"First, and all fail", func(e *env, ds []*ints) { tell(e, deferred.First(e.Loop, ds[1:2])) },
			"0 1 list:bad 2 0:10 1:bad 2:30",
		},
		{
			"Race", func(e *env, ds []*ints) { tell(e, deferred.Race(e.Loop, ds)) },
			"0 cancel 1 cancel 2 list:{0 10} 1 2 0:0 1:0 2:0",
		},
		{
			"Race of the others", func(e *env, ds []*ints) { tell(e, deferred.Race(e.Loop, ds[1:])) },
			"0 1 2 list:{1 30} 0:10 1:0 2:0",
		},
		{
			"Race, and all fail", func(e *env, ds []*ints) { tell(e, deferred.Race(e.Loop, ds[1:2])) },
			"0 1 list:bad 2 0:10 1:0 2:30",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachLoop(t, func(e *env) {
				ds := three(e)
				c.list(e, ds)
				for i, fire := range []func(d *ints) error{
					func(d *ints) error { return d.Callback(10) },
					func(d *ints) error { return d.Errback(errBad) },
					func(d *ints) error { return d.Callback(30) },
				} {
					e.say("%d", i)
					_ = fire(ds[i]) // refused if the race is over
				}
				for i, d := range ds {
					e.says(fmt.Sprint(i), d).AddBoth(ignore)
				}
				e.want(c.want)
			})
		})
	}
}

func TestRule12EmptyLists(t *testing.T) {
	eachLoop(t, func(e *env) {
		tell(e, deferred.All[int](e.Loop, nil))
		tell(e, deferred.Gather[int](e.Loop, nil))
		tell(e, deferred.First[int](e.Loop, nil))
		tell(e, deferred.Race[int](e.Loop, nil))
		e.want("list:[] list:[] list:corolla: there is no future to wait for")
	})
}

// TestRule14CanceledLists cancels a list of three, of which the first has a value.
func TestRule14CanceledLists(t *testing.T) {
	for _, c := range []struct {
		name string
		list func(e *env, ds []*ints) func(error) bool
		want string
	}{
		{
			"Gather", func(e *env, ds []*ints) func(error) bool { return tell(e, deferred.Gather(e.Loop, ds)).Cancel },
			"cancel 1 list:the first error, of number 1: canceled: bad cancel 2",
		},
		{
			"All", func(e *env, ds []*ints) func(error) bool { return tell(e, deferred.All(e.Loop, ds)).Cancel },
			"cancel 1 cancel 2 list:[{10 <nil>} {0 canceled: bad} {0 canceled: bad}]",
		},
		{
			"First", func(e *env, ds []*ints) func(error) bool { return tell(e, deferred.First(e.Loop, ds[1:])).Cancel },
			"cancel 1 cancel 2 list:canceled: bad\ncanceled: bad",
		},
		{
			"Race", func(e *env, ds []*ints) func(error) bool { return tell(e, deferred.Race(e.Loop, ds[1:])).Cancel },
			"cancel 1 cancel 2 list:canceled: bad\ncanceled: bad",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachLoop(t, func(e *env) {
				ds := three(e)
				_ = ds[0].Callback(10)
				cancel := c.list(e, ds)
				if !cancel(errBad) {
					e.Error("there was nothing to cancel")
				}
				e.want(c.want)
				if cancel(nil) {
					e.Error("it was canceled again")
				}
			})
		})
	}
}

// TestCancelerOfOneThatPanics keeps no other of the list from being canceled.
func TestCancelerOfOneThatPanics(t *testing.T) {
	eachLoop(t, func(e *env) {
		bad := deferred.NewCancelable(e.Loop, func(*ints, error) { panic("oops") })
		list := tell(e, deferred.All(e.Loop, append([]*ints{bad}, three(e)[1:]...)))
		list.Cancel(nil)
		e.want("cancel 1 cancel 2")
		_ = bad.Callback(5)
		e.want("list:[{5 <nil>} {0 canceled} {0 canceled}]")
		e.unhandled("panic in the canceler of a Deferred: oops")
	})
}

func TestFirstErrorUnwraps(t *testing.T) {
	eachLoop(t, func(e *env) {
		_, err := deferred.Gather(e.Loop, []*ints{deferred.Fail[int](e.Loop, errBad).AddTimeout(ms)}, deferred.ConsumeErrors).Result()
		if first := new(deferred.FirstError); !errors.As(err, &first) || first.Index != 0 || !errors.Is(err, errBad) || errors.Is(err, corolla.ErrCanceled) {
			e.Errorf("%v", err)
		}
	})
}
