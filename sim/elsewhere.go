package sim

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/corolla-go/corolla/internal/ds"
)

func (m *machine) Start(job func()) {
	after := m.config.link.Latency.draw(m.host.rng)
	m.tracef("start a job that takes %v", after)
	m.jobs++
	m.atFor(m.host.tie(m.id, m.jobs), m.local()+after, func() {
		if !m.dead {
			elsewhere(job)
		}
	})
}

// noWaiting is the quit channel of a wait that must not block.
var noWaiting = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (m *machine) Block(wait func(quit <-chan struct{}) (found bool)) (stop func()) {
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

func (m *machine) AfterFunc(ctx context.Context, f func()) (stop func() bool) {
	k := &ds.Link[waitFor]{Value: waitFor{ctx, f}}
	m.contexts.Push(k)
	return k.Leave
}

// contexts are what waits for contexts to end, in the order it was registered.
type contexts struct{ ds.List[waitFor] }

// look calls what waits for contexts that have ended.
func (c *contexts) look(m *machine) {
	var ended []func()
	for k := c.First(); k != nil; {
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

func (absent) Collected(func()) {}

type notifier struct {
	deliver func(os.Signal)
	sigs    []os.Signal
}

func (m *machine) Notify(deliver func(os.Signal), sigs ...os.Signal) (stop func()) {
	h, n := m.host, &notifier{deliver, sigs}
	h.signals = append(h.signals, n)
	return func() {
		if i := slices.Index(h.signals, n); i >= 0 {
			h.signals = slices.Delete(h.signals, i, i+1)
		}
	}
}

// Signal sends a signal to the programs of all hosts, which arrives when their loops next poll.
func (w *World) Signal(sig os.Signal) {
	for _, h := range w.hosts {
		h.Signal(sig)
	}
}

// Signal sends a signal to the host's programs, which arrives when their loops next poll.
func (h *Host) Signal(sig os.Signal) {
	w := h.world
	w.at(w.now, func() {
		w.emit(Event{Host: h.name, Kind: Call, Text: fmt.Sprint("signal ", sig)})
		for _, n := range slices.Clone(h.signals) {
			if slices.Contains(n.sigs, sig) {
				n.deliver(sig)
			}
		}
	})
}
