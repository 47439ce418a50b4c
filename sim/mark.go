package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
)

// What a program says of itself, for whoever explores it: see package simtest.
const (
	Reached EventKind = "reached" // World.Sometimes: a state that a good exploration must have seen
	Broken  EventKind = "broken"  // World.Always: what must hold did not
)

// BrokenError says that something that must always hold did not; see World.Always.
type BrokenError struct {
	What string
	When time.Duration // since the World began

	stack []byte // of a panic
}

func (e *BrokenError) Error() string {
	s := fmt.Sprintf("sim: broken at %v: %s", e.When, e.What)
	if len(e.stack) > 0 {
		s += "\n" + string(e.stack)
	}
	return s
}

// Sometimes says that the program is in a state that is worth getting to, such as "reconnected while
// sending". An exploration says which it never got to, and starts from those that it seldom got to.
// Name few, and rare ones.
func (w *World) Sometimes(what string) { w.emit(Event{Kind: Reached, Text: what}) }

// Always says that ok must hold; what names it. If it does not, Broken returns an error from then on,
// and the program goes on, so that the trace shows what comes of it.
func (w *World) Always(ok bool, what string) {
	if ok {
		return
	}
	breaks(w, &BrokenError{What: what, When: w.now})
}

func breaks(w *World, e *BrokenError) {
	w.broken = append(w.broken, e)
	w.emit(Event{Kind: Broken, Text: e.What})
}

// PanicsOnly returns the option of a loop whose error handler does not mind that connections fail, as they
// do in a storm, but takes a panic of a callback or a task for something that must never be; see Always.
func (w *World) PanicsOnly() corolla.Option {
	return corolla.ErrorHandler(func(err error) { panicked(w, err) })
}

// panicked reports whether err is a panic, and notes it as broken. Its stack is no part of the event, as
// it is not the same in each run.
func panicked(w *World, err error) bool {
	var p *corolla.PanicError
	if !errors.As(err, &p) {
		return false
	}
	breaks(w, &BrokenError{What: fmt.Sprintf("no panics, but: %v", err), When: w.now, stack: p.Stack})
	return true
}

// Broken returns what was said to hold always and did not, panics that reached the error handler of a
// program's loop among it: *BrokenError values, joined; nil if there is none.
func (w *World) Broken() error { return errors.Join(w.broken...) }

// Reseed makes every random choice from a time on follow from another seed. What happens before is
// the same as without, so a run can be led again to where it was, and on from there to somewhere else.
func (w *World) Reseed(at time.Duration, seed uint64) {
	w.at(at, func() {
		w.seed = seed
		for _, h := range w.hosts {
			*h.rng = *w.stream(h.name)
		}
		for _, l := range w.links {
			l.reseed()
		}
	})
}

// reseed takes the random numbers of the link from the World's seed.
func (l *link) reseed() {
	w := l.from.world
	if l.from != l.to {
		name := l.from.name + " to " + l.to.name
		*l.rng, *l.chaos = *w.stream(name), *w.stream("faults from " + name)
		l.key = mix(w.seed ^ digest(name))
	} else if l.from != w.home {
		l.key = mix(w.seed ^ digest(l.from.name))
	}
}
