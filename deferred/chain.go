package deferred

import (
	"fmt"

	"github.com/corolla-go/corolla"
)

// link is one step of a chain: a callback, a Deferred that waits, a list that counts. A function is
// one without an allocation, as it is a pointer already, and the first two of a chain are part of the
// Deferred. So to make a Deferred, add a callback and fire it takes one allocation.
type link[T any] interface {
	// Apply replaces d's result. It returns another Deferred if that has become able to run. (With a
	// small letter, staticcheck takes the methods of generic types for unused.)
	Apply(d *Deferred[T]) node
}

// node is a Deferred of any type, to those that only run it, or follow who waits for whom.
type node interface {
	advance() (next node, more bool)
	waiting() node
	cancel(cause error) bool
}

// run runs what it can of a chain, and of those that wait for it. An explicit stack, instead of
// recursion, keeps thousands of Deferreds that wait for one another from growing the goroutine's.
func run(n node) {
	if next, more := n.advance(); next != nil {
		runOn(n, next, more)
	}
}

// run is the other run without what it costs to call a method of an interface.
func (d *Deferred[T]) run() {
	if next, more := d.advance(); next != nil {
		runOn(d, next, more)
	}
}

// runOn is run for a node that has advanced, and given its result to next.
func runOn(n, next node, more bool) {
	var stack []node
	for {
		if more {
			stack = append(stack, n)
		}
		if n = next; n == nil {
			if len(stack) == 0 {
				return
			}
			n = stack[len(stack)-1]
			stack = stack[:len(stack)-1]
		}
		next, more = n.advance()
	}
}

// add appends a step, or runs it if it is due.
func (d *Deferred[T]) add(s link[T]) *Deferred[T] {
	d.loop.Check("a method of a Deferred")
	if len(d.steps) == 0 {
		d.steps = d.inline[:0]
	}
	if d.steps = append(d.steps, s); d.called {
		d.run()
	}
	return d
}

// ready reports whether the next step may run.
func (d *Deferred[T]) ready() bool {
	return d.called && !d.running && d.paused == 0 && d.waits == nil
}

// due reports whether there is a step that nothing holds up.
func (d *Deferred[T]) due() bool { return len(d.steps) > 0 && d.paused == 0 && d.waits == nil }

// settled reports whether d's result is there and nothing more is going to change it.
func (d *Deferred[T]) settled() bool { return len(d.steps) == 0 && d.ready() }

// advance runs d's steps until it must wait, has none left, or has given its result to another chain,
// which it returns. If that is so, more reports whether there are steps left.
func (d *Deferred[T]) advance() (next node, more bool) {
	if !d.ready() { // a callback that adds a callback comes here: that one runs in its turn
		d.report()
		return nil, false
	}
	for next == nil && d.due() {
		next = d.stretch()
	}
	if next != nil && len(d.steps) > 0 {
		return next, true
	}
	if d.err != nil {
		d.report()
	}
	return next, false
}

// stretch runs steps up to a panic, so that the price of recovering is paid once for all.
func (d *Deferred[T]) stretch() (next node) {
	d.running = true
	returned := false
	defer func() {
		d.running = false
		if !returned {
			d.recovered(recover())
		}
	}()
	for next == nil && d.due() {
		s := d.steps[0]
		d.steps[0] = nil
		d.steps = d.steps[1:]
		if d.unseen != nil {
			d.see()
		}
		next = s.Apply(d)
	}
	returned = true
	return next
}

// recovered makes the result of a callback that has not returned. If the goroutine ends, or a task is
// unwound that called this, the rest of the chain runs in the next turn.
func (d *Deferred[T]) recovered(v any) {
	var zero T
	switch {
	case v == nil: // runtime.Goexit, which goes on
		d.value, d.err = zero, corolla.ErrGoexit
		d.loop.Soon(func() { run(d) })
	case corolla.IsUnwinding(v):
		d.value, d.err = zero, fmt.Errorf("deferred: a callback was cut short: %w", corolla.ErrCanceled)
		d.loop.Soon(func() { run(d) })
		panic(v)
	default:
		d.raised("a panic in a callback", "")
		d.value, d.err = zero, d.loop.Caught(v, "a callback of "+d.name())
	}
}

// see marks the error as handled.
func (d *Deferred[T]) see() {
	if d.unseen != nil {
		d.unseen.Seen()
		d.unseen = nil
	}
}

// report makes sure that an error on which no callback works is not lost, be it at the end of the chain
// or in one that is paused. A cancel is no failure.
func (d *Deferred[T]) report() {
	if d.err == nil || d.unseen != nil || d.running || d.waits != nil ||
		corolla.IsOnly(d.err, corolla.ErrCanceled, corolla.ErrLoopClosed) {
		return
	}
	d.unseen = corolla.ReportUnseen(d.loop, d, d.err, d.describe())
}

// take moves d's result to the caller.
func (d *Deferred[T]) take() (v T, raised string, err error) {
	var zero T
	v, err = d.value, d.err
	d.value, d.err = zero, nil
	d.see()
	if d.origin != nil {
		raised = d.origin.raised
	}
	return v, raised, err
}

// wait makes inner's result d's, now or when inner has one.
func (d *Deferred[T]) wait(inner *Deferred[T]) {
	switch {
	case inner == nil:
		panic("deferred: a callback returned a nil Deferred: use AddCallback if there is nothing to wait for")
	case inner.loop != d.loop:
		panic("deferred: a callback returned a Deferred of another loop")
	case leadsTo(inner, d, d.awaited):
		panic("deferred: a callback returned its own Deferred, or one that waits for it, and would wait for ever")
	case inner.settled():
		d.takeFrom(inner)
		return
	}
	d.waits, inner.awaited = inner, true
	inner.add((*outer[T])(d))
}

// takeFrom makes another Deferred's result d's.
func (d *Deferred[T]) takeFrom(inner *Deferred[T]) {
	var raised string
	d.value, raised, d.err = inner.take()
	d.inherit(raised)
}

// leadsTo reports whether n is d, or waits for it. Nothing can wait for d that was never awaited, which
// spares long chains the walk.
func leadsTo(n, d node, awaited bool) bool {
	if n == d {
		return true
	}
	for awaited && n != nil && n != d {
		n = n.waiting()
	}
	return awaited && n == d
}

func (d *Deferred[T]) waiting() node { return d.waits }

// outer is a Deferred that waits for the one it is a step of.
type outer[T any] Deferred[T]

func (o *outer[T]) Apply(inner *Deferred[T]) node {
	d := (*Deferred[T])(o)
	d.waits = nil
	d.takeFrom(inner)
	return d
}

// chained is a Deferred to be fired.
type chained[T any] Deferred[T]

func (c *chained[T]) Apply(from *Deferred[T]) node {
	d := (*Deferred[T])(c)
	if d.called {
		_, _, _ = from.take()
		from.err = d.late()
		return nil
	}
	d.called = true
	d.takeFrom(from)
	return d
}
