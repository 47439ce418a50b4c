package hosttest

import (
	"context"
	"errors"
	"os"
)

func startRunsJobs(h *harness) {
	done := make(chan int, 3)
	for i := range 3 {
		h.Host.Start(func() { done <- i; h.Host.Wake() })
	}
	if !h.until(func() bool { return len(done) == 3 }) {
		h.Fatalf("%d of 3 jobs ran", len(done))
	}
}

func blockRunsUntilItHasFound(h *harness) {
	from, found := make(chan int, 1), make(chan int, 2)
	stop := h.Host.Block(func(quit <-chan struct{}) bool {
		select {
		case v := <-from:
			found <- v
		default:
			select {
			case v := <-from:
				found <- v
			case <-quit:
				return false
			}
		}
		h.Host.Wake()
		return true
	})
	h.settle()
	if len(found) != 0 {
		h.Error("found what is not there")
	}
	h.Host.Start(func() { from <- 7 })
	if !h.until(func() bool { return len(found) > 0 }) {
		h.Fatal("never found what is there")
	}
	from <- 8
	h.settle()
	stop()
	if len(found) != 1 || <-found != 7 || len(from) != 1 {
		h.Error("it went on after it had found what it waited for")
	}
}

func blockEndsWithStop(h *harness) {
	began, calls, returns := make(chan struct{}, 1), 0, 0
	stop := h.Host.Block(func(quit <-chan struct{}) bool {
		calls++
		select {
		case began <- struct{}{}:
		default:
		}
		h.Host.Wake()
		<-quit
		returns++
		return false
	})
	if !h.until(func() bool { return len(began) > 0 }) {
		h.Fatal("it never began")
	}
	stop()
	before := calls
	if before == 0 || returns != before { // a race where stop does not wait for the end
		h.Errorf("stopped after %d calls, of which %d have returned", before, returns)
	}
	if h.settle(); calls != before {
		h.Errorf("%d calls after the stop", calls-before)
	}
}

func afterFuncHearsOfTheEnd(h *harness) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.hearsOfTheEnd("before", ctx, func() {})
	ctx, cancel = context.WithCancel(context.Background())
	h.hearsOfTheEnd("by a job", ctx, func() {
		h.Host.Start(func() { cancel(); h.Host.Wake() })
	})
	ctx, cancel = context.WithCancel(context.Background())
	h.hearsOfTheEnd("outside", ctx, func() { h.Outside(cancel) })
}

func (h *harness) hearsOfTheEnd(name string, ctx context.Context, end func()) {
	h.Helper()
	called := make(chan error, 2)
	over := ctx.Err() != nil
	stop := h.Host.AfterFunc(ctx, func() { called <- ctx.Err(); h.Host.Wake() })
	if h.settle(); !over && len(called) != 0 {
		h.Errorf("%s: called for a context that has not ended", name)
	}
	end()
	if !h.until(func() bool { return len(called) > 0 }) {
		h.Fatalf("%s: never called", name)
	}
	h.settle()
	if err := <-called; !errors.Is(err, context.Canceled) || len(called) != 0 {
		h.Errorf("%s: called with %v, and %d times more", name, err, len(called))
	}
	if stop() {
		h.Errorf("%s: stop says that it came before", name)
	}
}

func afterFuncStops(h *harness) {
	ctx, cancel := context.WithCancel(context.Background())
	called := make(chan int, 2)
	stop := h.Host.AfterFunc(ctx, func() { called <- 1; h.Host.Wake() })
	h.Host.AfterFunc(ctx, func() { called <- 2; h.Host.Wake() })
	if !stop() {
		h.Error("stop says that it came too late")
	}
	cancel()
	if !h.until(func() bool { return len(called) > 0 }) {
		h.Fatal("the other was never called")
	}
	h.settle()
	if <-called != 2 || len(called) != 0 || stop() {
		h.Error("stop did not keep it from being called")
	}
}

func signalsAreDelivered(h *harness) {
	got := make(chan os.Signal, 1)
	stop := h.Host.Notify(func(s os.Signal) { got <- s; h.Host.Wake() }, os.Interrupt)
	defer stop()
	h.Signal(os.Interrupt)
	if !h.until(func() bool { return len(got) > 0 }) {
		h.Fatal("no signal")
	}
	if s := <-got; s != os.Interrupt {
		h.Errorf("signal %v", s)
	}
}
