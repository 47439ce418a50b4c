package corolla_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// The examples run on a simulated loop, so that their output is exact; corolla.New
// makes one on this machine.
func newLoop() *corolla.Loop { return sim.New(1).NewLoop() }

func Example() {
	l := newLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		ticker := l.Go(func(t *corolla.Task) error {
			for i := range 3 {
				fmt.Println("tick", i)
				if err := t.Sleep(time.Second); err != nil {
					return err
				}
			}
			return nil
		})
		_, err := ticker.Await(t)
		fmt.Println("after", l.Now())
		return err
	})
	fmt.Println(err)
	// Output:
	// tick 0
	// tick 1
	// tick 2
	// after 3s
	// <nil>
}

func ExampleLoop_Soon() {
	l := newLoop()
	defer l.Close()
	l.Soon(func() {
		fmt.Println("first")
		l.Soon(func() { fmt.Println("third"); l.Stop() })
	})
	l.Soon(func() { fmt.Println("second") })
	_ = l.RunForever()
	// Output:
	// first
	// second
	// third
}

func ExampleTask_Timeout() {
	l := newLoop()
	defer l.Close()
	_ = l.Run(func(t *corolla.Task) error {
		err := t.Timeout(time.Second, func(*corolla.Scope) error {
			return t.Sleep(time.Hour)
		})
		fmt.Println(err, "at", l.Now())
		return nil
	})
	// Output: timed out after 1s at 1s
}

func ExampleTask_Group() {
	l := newLoop()
	defer l.Close()
	_ = l.Run(func(t *corolla.Task) error {
		err := t.Group(func(g *corolla.Group) error {
			g.Go(func(t *corolla.Task) error { return t.Sleep(time.Hour) }) // canceled
			g.Go(func(t *corolla.Task) error { return errors.New("no disk") })
			return nil
		})
		fmt.Println(err, "at", l.Now())
		return nil
	})
	// Output: no disk at 0s
}

func ExampleFuture() {
	l := newLoop()
	defer l.Close()
	_ = l.Run(func(t *corolla.Task) error {
		answer := corolla.NewFuture[int](l)
		l.After(time.Minute, func() { _ = answer.Resolve(42) })
		v, err := answer.Await(t)
		fmt.Println(v, err, "at", l.Now())
		return nil
	})
	// Output: 42 <nil> at 1m0s
}

func ExampleOffload() {
	l := newLoop()
	defer l.Close()
	_ = l.Run(func(t *corolla.Task) error {
		sum, err := corolla.Offload(l, func() (int, error) {
			n := 0 // on another goroutine: it may block, or compute for long
			for i := range 1000 {
				n += i
			}
			return n, nil
		}).Await(t)
		fmt.Println(sum, err)
		return nil
	})
	// Output: 499500 <nil>
}
