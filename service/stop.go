package service

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
)

// Phase is a part of stopping a Tree.
type Phase int

const (
	// Before is before any part is stopped: no part is until all its functions have returned.
	Before Phase = iota
	// During is while the parts are stopped.
	During
	// After is when all parts have stopped.
	After
)

// String returns the phase's name, such as "before".
func (p Phase) String() string { return [...]string{"before", "during", "after"}[p] }

type trigger struct {
	name string
	f    func(t *corolla.Task) error
}

// OnStop has a function called whenever the tree is stopped, in a task of its own, until remove is called.
// Those of one phase are begun in the order in which they were added, each up to its first wait; all of
// them are waited for before the next phase. Their errors are among those that Stop returns, under the
// name of the phase and the given one. One that is added when its phase has begun is called at the next stop,
// and one that is removed before its turn is not called. None is when a part has failed to start, as nothing
// has begun then. (Twisted's addSystemEventTrigger, where only "before" can wait.)
func (tr *Tree) OnStop(phase Phase, name string, f func(t *corolla.Task) error) (remove func()) {
	added := &trigger{name, f}
	tr.phases[phase] = append(tr.phases[phase], added)
	return func() {
		tr.phases[phase] = slices.DeleteFunc(tr.phases[phase], func(o *trigger) bool { return o == added })
	}
}

// stop is one stop of a tree.
type stop struct {
	tree *Tree
	due  time.Duration // when what has not ended is canceled
	errs []error
}

func (tr *Tree) newStop(t *corolla.Task) *stop {
	limit := tr.StopTimeout
	if limit == 0 {
		limit = DefaultStopTimeout
	}
	s := &stop{tree: tr, due: t.Loop().Now() + limit}
	if tr.parent != nil && tr.parent.current != nil {
		s.due = min(s.due, tr.parent.current.due)
	}
	tr.current = s
	return s
}

// over is deferred, as the task that stops the tree may be unwound.
func (s *stop) over() { s.tree.current = nil }

// ending is a call that ends something, in a task of its own.
type ending struct {
	op, name string // as in Error
	inner    bool   // a Tree, which has its own eye on the time
	run      *corolla.Future[struct{}]
	done     corolla.Event
	left     bool // behind
}

// call begins a call. It is eager, so that even what is canceled already gets as far as its first wait, as a
// listener that is closed there does.
func (s *stop) call(t *corolla.Task, op, name string, inner bool, f func(t *corolla.Task) error) *ending {
	c := &ending{op: op, name: s.tree.path() + "/" + name, inner: inner}
	timed := func(t *corolla.Task) error { return t.TimeoutAt(s.due, func(*corolla.Scope) error { return f(t) }) }
	if inner {
		timed = f
	}
	c.run = t.Loop().Go(timed, corolla.Eager(), corolla.Name(op+" "+c.name))
	c.run.OnDone(func(f *corolla.Future[struct{}]) {
		c.done.Set()
		if _, err := f.Result(); c.left && err != nil {
			t.Loop().Report(&Error{c.op, c.name, err})
		}
	})
	return c
}

// end returns when to leave behind what is waited for from now on.
func (s *stop) end(t *corolla.Task) time.Duration { return max(s.due, t.Loop().Now()) + grace }

// wait waits for a call to end, but not beyond a time, and reports whether it ended well.
func (s *stop) wait(t *corolla.Task, c *ending, end time.Duration) bool {
	last := func(*corolla.Scope) error { return c.done.Wait(t) }
	until := func(end time.Duration) error { return t.TimeoutAt(end, last) }
	if c.inner {
		until = func(time.Duration) error { return last(nil) }
	}
	waited := until(end)
	if cancel := t.Scope().Canceled(); cancel != nil && c.run.Cancel(cancel) {
		waited = t.Shielded(func(*corolla.Scope) error { return until(t.Loop().Now() + grace) })
	}
	_, err := c.run.Result()
	if errors.Is(err, corolla.ErrPending) {
		if c.left, err = true, ErrStuck; errors.Is(waited, corolla.ErrLoopClosed) {
			err = waited
		}
	}
	if err == nil {
		return true
	}
	if e := (*Error)(nil); !c.inner || !errors.As(err, &e) {
		s.tree.log(slog.LevelError, "not stopped in order", c.name, "error", err)
		err = &Error{c.op, c.name, err}
	}
	s.errs = append(s.errs, err)
	return false
}

// parts stops the first n parts, last first.
func (s *stop) parts(t *corolla.Task, n int) {
	for _, p := range slices.Backward(s.tree.parts[:n]) {
		begin := t.Loop().Now()
		c := s.call(t, "stop", name(p), s.tree.has(p), p.Stop)
		if s.wait(t, c, s.end(t)) {
			s.tree.log(slog.LevelInfo, "stopped", c.name, "took", t.Loop().Now()-begin)
		}
	}
}

// begin begins the functions of a phase.
func (s *stop) begin(t *corolla.Task, p Phase) (all []*ending) {
	for _, tr := range slices.Clone(s.tree.phases[p]) {
		if !slices.Contains(s.tree.phases[p], tr) { // one of those before has removed it
			continue
		}
		all = append(all, s.call(t, p.String(), tr.name, false, tr.f))
	}
	return all
}

func (s *stop) phase(t *corolla.Task, p Phase) {
	s.waitAll(t, s.begin(t, p))
}

// waitAll waits for calls that were begun together, so that they are also left behind together.
func (s *stop) waitAll(t *corolla.Task, all []*ending) {
	end := s.end(t)
	for _, c := range all {
		s.wait(t, c, end)
	}
}
