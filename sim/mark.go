package sim

import (
	"errors"
	"fmt"
	"time"
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
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("sim: broken at %v: %s", e.When, e.What)
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
	w.broken = append(w.broken, &BrokenError{what, w.now})
	w.emit(Event{Kind: Broken, Text: what})
}

// Broken returns what was said to hold always and did not: *BrokenError values, joined; nil if there
// is none.
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
