package sim

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// Only one goroutine of a World runs at a time: the one whose turn it is. Whoever has the turn gives
// it away by choosing the next, which includes moving the clock if nobody has anything to do; there
// is no goroutine that does only this. So a World with one loop never switches goroutines.
//
// Goroutines that are about to ask for a turn, such as one that was started to run a loop, are
// missing until they do. While somebody is missing nothing is chosen: the choice must not depend on
// how fast the system starts goroutines.

// waiter is whoever can have the turn: a loop, a goroutine that drives the World, a program that has
// something to say about its end.
type waiter interface {
	// ready reports whether there is something to do.
	ready() bool
	// due is when that may change by itself; less than 0 is never.
	due() time.Duration
	its() *place
}

// place is what the scheduler keeps of a waiter.
type place struct {
	turn  chan struct{} // the turn is handed over here
	id    uint64
	turns uint64
	holds bool // it has the turn; only its own goroutine uses this

	ask    func() // to be called on the waiter's own goroutine
	answer chan<- struct{}
}

func (p *place) its() *place { return p }

// await returns once the turn is given; meanwhile it answers what is asked.
func (p *place) await() {
	for <-p.turn; p.ask != nil; <-p.turn {
		p.ask()
		p.ask = nil
		p.answer <- struct{}{}
	}
}

// asks calls f on the goroutine of p, which is waiting.
func (w *World) asks(p waiter, f func()) {
	if p == w.chooser {
		f()
		return
	}
	answer := make(chan struct{})
	its := p.its()
	its.ask, its.answer = f, answer
	its.turn <- struct{}{}
	<-answer
}

// crew is who takes part in a World besides those that wait.
type crew struct {
	mu        sync.Mutex // guards what other goroutines touch, which is all of this
	cond      sync.Cond
	stirred   bool // a loop was woken, or a goroutine outside has ended
	outsiders int  // goroutines given to Outside

	free     bool     // nobody has the turn
	missing  int      // how many will come
	arrivals []waiter // have come, and are not yet among those that wait
	patience func()   // stops the warning about those that do not come
}

// enter asks for the turn, and returns once it is given. The caller holds mu, so that it can say at
// once who is no longer missing; enter releases it.
func (w *World) enter(p waiter) {
	me := p.its()
	if me.turn == nil {
		me.turn = make(chan struct{}, 1)
	}
	w.arrivals = append(w.arrivals, p)
	first := w.free && w.missing == 0
	if first {
		w.free = false
		if w.patience != nil {
			w.patience()
			w.patience = nil
		}
	}
	w.mu.Unlock()
	if !first || !w.next(p) {
		me.await()
	}
	me.holds = true
}

// pass gives the turn away, and returns once it is given back.
func (w *World) pass(p waiter) {
	me := p.its()
	w.waiting = append(w.waiting, p)
	me.holds = false
	if !w.next(p) {
		me.await()
	}
	me.holds = true
}

// leave gives the turn away for good.
func (w *World) leave(p waiter) {
	p.its().holds = false
	w.next(nil)
}

// next hands the turn to whoever is next, and reports whether that is self.
func (w *World) next(self waiter) bool {
	for {
		w.chooser, w.holder = self, nil
		next := w.pick()
		w.chooser, w.holder = nil, next
		if next != nil {
			if next == self {
				return true
			}
			next.its().turn <- struct{}{}
			return false
		}
		w.mu.Lock()
		if w.missing > 0 || len(w.arrivals) == 0 {
			w.free = true
			w.warn()
			w.mu.Unlock()
			return false
		}
		w.mu.Unlock()
	}
}

// gather takes those who have come, in an order that does not depend on who was quicker. It returns
// false while somebody is missing.
func (w *World) gather() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stirred = false
	if w.missing > 0 {
		return false
	}
	if len(w.arrivals) > 0 {
		slices.SortFunc(w.arrivals, func(a, b waiter) int { return cmp.Compare(a.its().id, b.its().id) })
		w.waiting = append(w.waiting, w.arrivals...)
		clear(w.arrivals)
		w.arrivals = w.arrivals[:0]
	}
	return true
}

// pick chooses whose turn it is, among those who have something to do. Until there are any, it lets
// happen what happens by itself, and moves the clock. It returns nil if nobody waits or somebody is
// missing.
func (w *World) pick() waiter {
	for w.gather() && len(w.waiting) > 0 {
		if w.agenda.Len() > 0 && w.agenda.Min().when <= w.now {
			w.happen()
			continue // somebody may be missing now
		}
		if chosen := w.choose(); chosen >= 0 {
			next := w.waiting[chosen]
			w.waiting = slices.Delete(w.waiting, chosen, chosen+1)
			next.its().turns++
			return next
		}
		w.advance()
	}
	return nil
}

// happen lets happen what is due, up to the start of a program: that must have come before another is
// started.
func (w *World) happen() {
	for w.booted = false; !w.booted && w.agenda.Len() > 0 && w.agenda.Min().when <= w.now; {
		w.agenda.Pop().act()
	}
}

// choose returns the place of the next among those that wait, or -1 if none is ready.
func (w *World) choose() int {
	chosen, least := -1, uint64(0)
	for i, p := range w.waiting {
		if p == waiter(w.driver) && w.driver.over() {
			return i
		}
		if !p.ready() {
			continue
		}
		its := p.its()
		if key := mix(w.seed ^ mix(its.id^its.turns)); chosen < 0 || key < least {
			chosen, least = i, key
		}
	}
	if d := w.driver; chosen < 0 && d != nil && d.until >= 0 && d.until <= w.now {
		return slices.Index(w.waiting, waiter(d))
	}
	return chosen
}

// advance moves the clock to what is due next. If nothing is, it waits for the goroutines outside, or
// tells everybody that nothing more can happen.
func (w *World) advance() {
	if len(w.doomed) > 0 {
		blow(w)
		return
	}
	timer := time.Duration(-1) // what a loop waits for
	for _, p := range w.waiting {
		if due := p.due(); due >= 0 && (timer < 0 || due < timer) {
			timer = due
		}
	}
	until := timer
	if w.agenda.Len() > 0 && (timer < 0 || w.agenda.Min().when <= timer) {
		until = w.agenda.Min().when
	}
	if d := w.driver; d != nil && d.until >= 0 && (until > d.until || until < 0 && d.done == nil) {
		until, timer = d.until, d.until
	}
	switch {
	case until < 0:
		if !w.awaitOutsiders() {
			w.fail(host.ErrDeadlock)
		}
	case w.config.limit > 0 && until > w.config.limit:
		w.now = max(w.now, w.config.limit)
		w.fail(errLimit)
	case until == timer && (w.agenda.Len() == 0 || w.agenda.Min().when != until) && w.pace(until-w.now):
		// a goroutine outside was quicker
	default:
		w.now = until
	}
}
