package sim_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// When the garbage collector runs is not up to the seed.
func TestGarbageCollectionsAreNotHeard(t *testing.T) {
	h := sim.New(1).Machine()
	h.Collected(func() { t.Error("heard of a collection") })
	var reported []error
	l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { reported = append(reported, err) }))
	if err := l.Run(func(task *corolla.Task) error {
		dropped := make(chan struct{})
		func() {
			f := corolla.NewFuture[[64]int](l)
			runtime.AddCleanup(f, func(c chan struct{}) { close(c) }, dropped)
			_ = f.Fail(errors.New("nobody looks"))
		}()
		for over := false; !over; {
			runtime.GC()
			select {
			case <-dropped:
				over = true
			default:
			}
		}
		return task.Sleep(time.Second)
	}); err != nil {
		t.Error(err)
	}
	if len(reported) != 0 {
		t.Errorf("while the loop runs: %v", reported)
	}
	if err := l.Close(); err != nil || len(reported) != 1 {
		t.Errorf("Close: %v; reported when it is closed: %v", err, reported)
	}
}

// A goroutine that ends a context, and nothing else, has given the loop something to do.
func TestContextThatEndsOutsideIsNoDeadlock(t *testing.T) {
	for range 20 {
		w := sim.New(1)
		l := w.NewLoop()
		ctx, cancel := context.WithCancel(context.Background())
		w.Outside(cancel)
		err := l.Run(func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error { return task.Park("until the context ends") }, corolla.With(ctx))
			_, err := f.Await(task)
			return err
		})
		if !errors.Is(err, corolla.ErrCanceled) {
			t.Fatalf("Run: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSecondLoopOfAWorldPanics(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	defer func() {
		if recover() == nil {
			t.Error("a World has two loops")
		}
	}()
	w.NewLoop()
}
