package deferred_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
)

func Example() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	d := deferred.New[int](l)
	d.AddCallback(func(v int) (int, error) { return v + 1, nil })
	s := deferred.Then(d, func(v int) (string, error) { return "", fmt.Errorf("cannot use %d", v) })
	s.AddErrback(func(err error) (string, error) { return err.Error() + ", so be it", nil })
	s.AddCallback(func(v string) (string, error) { fmt.Println(v); return v, nil })
	_ = d.Callback(41)
	// Output: cannot use 42, so be it
}

// inlineCallbacks: a task that awaits Deferreds.
func ExampleGo() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	lookup := func(id int) *deferred.Deferred[string] {
		return deferred.Later(l, time.Second, func() (string, error) { return fmt.Sprint("user ", id), nil })
	}
	d := deferred.Go(l, func(t *corolla.Task) (string, error) {
		row, err := lookup(7).Await(t)
		if err != nil {
			return "", err
		}
		return strings.ToUpper(row), nil
	})
	d.AddBoth(func(v string, err error) (string, error) { fmt.Println(v, err); l.Stop(); return v, nil })
	_ = l.RunForever()
	// Output: USER 7 <nil>
}

// A request that is canceled when its time is up.
func ExampleDeferred_AddTimeout() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	requests := map[int]*deferred.Deferred[string]{}
	request := func(id int) *deferred.Deferred[string] {
		requests[id] = deferred.NewCancelable(l, func(*deferred.Deferred[string], error) { delete(requests, id) })
		return requests[id]
	}
	request(1).AddTimeout(2 * time.Second).AddErrback(func(err error) (string, error) {
		fmt.Println(err, len(requests))
		return "from the cache", nil
	}).AddCallback(func(v string) (string, error) { fmt.Println(v); l.Stop(); return v, nil })
	_ = l.RunForever()
	// Output:
	// timed out after 2s 0
	// from the cache
}

// gatherResults under a DeferredSemaphore: no more than two at a time.
func ExampleGather() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	sem := deferred.NewSemaphore(l, 2)
	var pages []*deferred.Deferred[int]
	for _, url := range []string{"/", "/about", "/contact", "/terms"} {
		pages = append(pages, deferred.Run(sem, func() *deferred.Deferred[int] {
			return deferred.Later(l, time.Second, func() (int, error) { return len(url), nil })
		}))
	}
	deferred.Gather(l, pages).AddCallback(func(sizes []int) ([]int, error) {
		fmt.Println(sizes)
		l.Stop()
		return sizes, nil
	})
	begin := l.Now()
	_ = l.RunForever()
	fmt.Println(l.Now() - begin)
	// Output:
	// [1 6 8 6]
	// 2s
}

// LoopingCall that starts again after an error: an option.
func ExampleLoopingCall() {
	l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { fmt.Println("reported:", err) }))
	defer l.Close()
	calls := 0
	var tick *deferred.LoopingCall
	tick = deferred.NewLoopingCall(l, func(int) error {
		if calls++; calls == 2 {
			return errors.New("no answer")
		}
		fmt.Println("poll")
		if calls == 3 {
			tick.Stop()
		}
		return nil
	})
	tick.Start(5*time.Second, deferred.KeepGoing).AddCallback(func(v struct{}) (struct{}, error) { l.Stop(); return v, nil })
	_ = l.RunForever()
	// Output:
	// poll
	// reported: no answer
	// poll
}

// deferToThread.
func ExampleFromFuture() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	d := deferred.FromFuture(corolla.Offload(l, func() (int, error) { return 6 * 7, nil }))
	d.AddCallback(func(v int) (int, error) { fmt.Println(v); l.Stop(); return v, nil })
	_ = l.RunForever()
	// Output: 42
}

// Each piece of work does one step, and then it is another's turn.
func ExampleCooperator() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	c := deferred.NewCooperator(l)
	count := func(name string) *deferred.Deferred[struct{}] {
		return c.Coiterate(func(yield func(deferred.Any, error) bool) {
			for i := range 3 {
				fmt.Print(name, i, " ")
				if !yield(nil, nil) {
					return
				}
			}
		})
	}
	done := deferred.Gather(l, []*deferred.Deferred[struct{}]{count("a"), count("b")})
	done.AddCallback(func(v []struct{}) ([]struct{}, error) { l.Stop(); return v, nil })
	_ = l.RunForever()
	// Output: a0 b0 a1 b1 a2 b2
}
