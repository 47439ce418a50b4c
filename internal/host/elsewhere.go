package host

import (
	"context"
	"os"
	"os/signal"
	"sync"
)

// Elsewhere is what happens outside the loop. On a real machine goroutines, the garbage collector
// and the system decide when, and the functions given here are called on any goroutine. A simulated
// machine decides by itself, and calls them within Wait, so that the same program runs the same way
// every time.
type Elsewhere interface {
	// Running is told that a run of the loop, or its closing, begins, before the loop asks anything
	// else, and that a run has ended. A simulated machine lets one of its loops run at a time, and
	// returns when it is this one's turn.
	Running(on bool)

	// Start runs job, which may take as long as it likes.
	Start(job func())

	// Block runs wait, which may block until quit is closed and reports whether it found what it
	// waited for. On a simulated machine quit is closed from the beginning, and wait runs again
	// from time to time until it reports true. stop ends that: it closes quit, and returns when
	// wait has.
	Block(wait func(quit <-chan struct{}) (found bool)) (stop func())

	// AfterFunc calls f once ctx has ended, as context.AfterFunc does. stop prevents that, and
	// reports whether it did.
	AfterFunc(ctx context.Context, f func()) (stop func() bool)

	// Collected calls f at once; a cleanup that the garbage collector runs calls it. A simulated
	// machine does not call f, since when something is collected differs from run to run.
	Collected(f func())

	// Notify calls deliver whenever one of the signals arrives, until stop is called. deliver
	// must not block.
	Notify(deliver func(os.Signal), sigs ...os.Signal) (stop func())
}

// goroutines is the Elsewhere of every real host.
type goroutines struct{}

func (goroutines) Running(bool) {}

func (goroutines) Start(job func()) { go job() }

func (goroutines) Block(wait func(quit <-chan struct{}) (found bool)) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		wait(quit)
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-ended
	})
}

func (goroutines) AfterFunc(ctx context.Context, f func()) (stop func() bool) {
	return context.AfterFunc(ctx, f)
}

func (goroutines) Collected(f func()) { f() }

func (goroutines) Notify(deliver func(os.Signal), sigs ...os.Signal) (stop func()) {
	ch := make(chan os.Signal, 8)
	quit := make(chan struct{})
	signal.Notify(ch, sigs...)
	go func() {
		for {
			select {
			case sig := <-ch:
				deliver(sig)
			case <-quit:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(ch)
		close(quit)
	})
}
