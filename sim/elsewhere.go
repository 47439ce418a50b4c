package sim

import (
	"context"
	"os"
	"slices"

	"github.com/corolla-go/corolla/internal/ds"
)

func (m machine) Start(job func()) {
	after := m.latency()
	m.tracef("start a job that takes %v", after)
	m.at(m.now+after, func() { elsewhere(job) })
}

// noWaiting is the quit channel of a wait that must not block.
var noWaiting = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (m machine) Block(wait func(quit <-chan struct{}) (found bool)) (stop func()) {
	over := false
	var again func()
	again = func() {
		if !over && !wait(noWaiting) {
			m.Start(again)
		}
	}
	m.Start(again)
	return func() { over = true }
}

// waitFor is a context that may end, and what to do then.
type waitFor struct {
	ctx context.Context
	f   func()
}

func (m machine) AfterFunc(ctx context.Context, f func()) (stop func() bool) {
	k := &ds.Link[waitFor]{Value: waitFor{ctx, f}}
	m.contexts.Push(k)
	return k.Leave
}

// lookAtContexts calls what waits for contexts that have ended, in the order it was registered.
func (m machine) lookAtContexts() {
	var ended []func()
	for k := m.contexts.First(); k != nil; {
		next := k.Next()
		if k.Value.ctx.Err() != nil {
			ended = append(ended, k.Value.f)
			k.Leave()
		}
		k = next
	}
	for _, f := range ended {
		m.tracef("a context has ended")
		f()
	}
}

func (m machine) Collected(func()) {}

type notifier struct {
	deliver func(os.Signal)
	sigs    []os.Signal
}

func (m machine) Notify(deliver func(os.Signal), sigs ...os.Signal) (stop func()) {
	n := &notifier{deliver, sigs}
	m.signals = append(m.signals, n)
	return func() {
		if i := slices.Index(m.signals, n); i >= 0 {
			m.signals = slices.Delete(m.signals, i, i+1)
		}
	}
}

// Signal sends the program a signal, which arrives when the loop next polls.
func (w *World) Signal(sig os.Signal) {
	w.at(w.now, func() {
		w.tracef("signal %v", sig)
		for _, n := range slices.Clone(w.signals) {
			if slices.Contains(n.sigs, sig) {
				n.deliver(sig)
			}
		}
	})
}
