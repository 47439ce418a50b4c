package deferred

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla"
)

// ListOption changes what a list does about errors. Options are added with |.
type ListOption uint8

const (
	// FireOnError makes All fail at the first error, with a *FirstError (fireOnOneErrback).
	FireOnError ListOption = 1 << iota
	// ConsumeErrors takes errors from the Deferreds of the list, whose results are zero values then.
	// Otherwise they stay there, and are reported unless something else handles them (consumeErrors).
	ConsumeErrors
)

// FirstError is the error that has decided about a list (FirstError).
type FirstError struct {
	Index int // of the Deferred that has failed
	Err   error
}

func (e *FirstError) Error() string {
	return fmt.Sprintf("the first error, of number %d: %v", e.Index, e.Err)
}

// Unwrap returns the error itself.
func (e *FirstError) Unwrap() error { return e.Err }

// Winner is the value that has decided about a list.
type Winner[T any] struct {
	Index int // of the Deferred that has the value
	Value T
}

// All returns a Deferred of all results and errors, in the order of its arguments, which fires when
// they all have, at once if there are none (DeferredList). Canceling it cancels them all, and it then
// fires when they have. Each keeps its result, for callbacks that are added to it later.
func All[T any](l *corolla.Loop, ds []*Deferred[T], opts ...ListOption) *Deferred[[]corolla.Result[T]] {
	results := make([]corolla.Result[T], len(ds))
	o := combined(opts)
	g := newMany(l, ds, o, func(g *many[T, []corolla.Result[T]], i int, v T, err error) bool {
		results[i] = corolla.Result[T]{Value: v, Err: err}
		if err != nil && o&FireOnError != 0 {
			return g.decide(nil, &FirstError{i, err})
		}
		return g.left == 0 && g.decide(results, nil)
	}, l.CallSite())
	if len(ds) == 0 {
		g.out.called, g.out.value = true, results
	}
	return g.start()
}

// Gather returns a Deferred of all values, in the order of its arguments (gatherResults). The first
// error fails it at once, with a *FirstError; the others carry on. Canceling it cancels them all, so
// the first that fails because of that decides.
func Gather[T any](l *corolla.Loop, ds []*Deferred[T], opts ...ListOption) *Deferred[[]T] {
	values := make([]T, len(ds))
	g := newMany(l, ds, combined(opts), func(g *many[T, []T], i int, v T, err error) bool {
		if values[i] = v; err != nil {
			return g.decide(nil, &FirstError{i, err})
		}
		return g.left == 0 && g.decide(values, nil)
	}, l.CallSite())
	if len(ds) == 0 {
		g.out.called, g.out.value = true, values
	}
	return g.start()
}

// First returns a Deferred of the first value (DeferredList with fireOnOneCallback). The others carry
// on. If all fail, so does it, with their errors joined; without any it never fires. Canceling it
// cancels them all.
func First[T any](l *corolla.Loop, ds []*Deferred[T], opts ...ListOption) *Deferred[Winner[T]] {
	errs := make([]error, len(ds))
	return newMany(l, ds, combined(opts), func(g *many[T, Winner[T]], i int, v T, err error) bool {
		if errs[i] = err; err == nil {
			return g.decide(Winner[T]{i, v}, nil)
		}
		return g.left == 0 && g.decide(Winner[T]{}, errors.Join(errs...))
	}, l.CallSite()).start()
}

// Race returns a Deferred of the first value. The others are canceled before it fires. It takes the
// results of all, so no error is reported but its own: if all fail, their errors joined, and without
// any corolla.ErrNothing. Canceling it cancels them all.
func Race[T any](l *corolla.Loop, ds []*Deferred[T]) *Deferred[Winner[T]] {
	errs := make([]error, len(ds))
	g := newMany(l, ds, takeAll, func(g *many[T, Winner[T]], i int, v T, err error) bool {
		if errs[i] = err; err == nil {
			g.decided = true
			g.cancelAll(nil)
			return g.decide(Winner[T]{i, v}, nil)
		}
		return g.left == 0 && g.decide(Winner[T]{}, errors.Join(errs...))
	}, l.CallSite())
	g.out.patient = false
	g.start()
	if len(ds) == 0 {
		g.out.fire(Winner[T]{}, corolla.ErrNothing)
	}
	return &g.out
}

// takeAll is what Race does, and nobody else needs.
const takeAll ListOption = 1 << 7

func combined(opts []ListOption) (all ListOption) {
	for _, o := range opts {
		all |= o
	}
	return all
}

// many makes one Deferred of many.
type many[T, R any] struct {
	out     Deferred[R]
	in      []*Deferred[T]
	members []member[T, R]
	opts    ListOption
	left    int
	decided bool
	each    func(g *many[T, R], i int, v T, err error) (fire bool)
}

// member is the step of one of them.
type member[T, R any] struct {
	of    *many[T, R]
	index int
}

func newMany[T, R any](l *corolla.Loop, ds []*Deferred[T], opts ListOption,
	each func(*many[T, R], int, T, error) bool, site string,
) *many[T, R] {
	g := &many[T, R]{in: ds, opts: opts, left: len(ds), each: each, members: make([]member[T, R], len(ds))}
	g.out.loop, g.out.origin, g.out.patient = l, made(site), true
	g.out.canceler = func(_ *Deferred[R], cause error) { g.cancelAll(cause) }
	return g
}

func (g *many[T, R]) start() *Deferred[R] {
	for i, d := range g.in {
		g.members[i] = member[T, R]{g, i}
		d.add(&g.members[i])
	}
	return &g.out
}

// decide gives the list its result, and returns true.
func (g *many[T, R]) decide(v R, err error) bool {
	g.decided = true
	g.out.value, g.out.err = v, err
	return true
}

func (m *member[T, R]) Apply(d *Deferred[T]) node {
	g := m.of
	v, err := d.value, d.err
	if g.opts&takeAll != 0 || err != nil && g.opts&ConsumeErrors != 0 {
		_, _, _ = d.take()
	}
	g.left--
	if g.decided || g.out.called || !g.each(g, m.index, v, err) {
		return nil
	}
	g.out.called = true
	return &g.out
}

// cancelAll cancels those that have not fired, even if a canceler panics.
func (g *many[T, R]) cancelAll(cause error) {
	for _, d := range g.in {
		cancelOne(d, cause)
	}
}

func cancelOne[T any](d *Deferred[T], cause error) {
	defer func() {
		if v := recover(); v != nil {
			_ = d.loop.Recovered(v, "the canceler of "+d.describe()) // which has reported it
		}
	}()
	d.Cancel(cause)
}
