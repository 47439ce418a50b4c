package service

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
)

// The parts of a tree are started in the task that starts the tree, one after the other, so that what a
// part may rely on is what stands before it. Each is stopped in a task of its own, so that one which does
// not come to an end cannot keep the others from theirs.
//
// A part that fails ends the whole tree: to start it again is for its own code, which knows whether that
// makes sense, or for whatever runs the program. Twisted goes on without it.

// DefaultStopTimeout is how long the parts of a Tree have to stop, unless its StopTimeout says otherwise.
const DefaultStopTimeout = 20 * time.Second

// grace is how long a part has, once it is canceled, until it is left behind.
const grace = time.Second

// Tree is a service made of others, its parts. (Twisted's MultiService.) What belongs to a part calls Quit to
// end the tree: a Stop of the tree by a part's own Stop, or by a function of OnStop, would wait for itself.
type Tree struct {
	Unit

	// StopTimeout is how long all parts, and the functions of OnStop, have to end together: 20 seconds if it
	// is 0. When it is over, what has not ended is canceled, and left behind a second later. In a Tree that
	// is part of another, the time of that one counts too.
	StopTimeout time.Duration

	// Log is told of each part that has started and stopped, and of errors. If it is nil, nothing is, unless
	// the Tree is part of another that has a Log.
	Log *slog.Logger

	parts   []Service
	parent  *Tree
	phases  [After + 1][]*trigger
	current *stop // nil if it is not being stopped
	quit    bool
	wake    func() // ends the wait of Run; nil if there is none
}

// NewTree returns a Tree of parts, in the order in which they start. A Tree can be part of one other Tree:
// NewTree panics if it is part of one already.
func NewTree(name string, parts ...Service) *Tree {
	tr := &Tree{parts: slices.Clone(parts)}
	tr.Unit = *New(name, tr.begin, tr.end)
	for _, p := range parts {
		if inner, ok := p.(*Tree); ok {
			if inner.parent != nil {
				panic("service: the tree " + inner.path() + " is part of two")
			}
			inner.parent = tr
		}
	}
	return tr
}

// Run starts the tree and waits until it is to end: because t is canceled, Quit is called, somebody else
// stops it, or a part fails. It then stops the tree, also if t is canceled, and returns all errors,
// joined. A cancel is how one ends a program, so Run returns nil if everything then stopped in order. If
// the tree does not start, Run returns that error.
//
//	func main() {
//		corolla.Main(func(t *corolla.Task) error { return service.NewTree("app", parts...).Run(t) })
//	}
func (tr *Tree) Run(t *corolla.Task) error {
	defer func() { // also of a cancel that has come while the tree was stopping
		if t.Scope().Canceled() != nil {
			_ = t.Yield() // which returns at once: the task knows of it, so its result is what Run returns
		}
	}()
	stops := tr.stops
	if err := tr.Start(t); err != nil {
		if t.Scope().Canceled() != nil || tr.quit || tr.stops != stops {
			return withoutCancels(err)
		}
		return err
	}
	err := t.Cancelable(func(s *corolla.Scope) error {
		tr.wake = func() { s.Cancel(ErrStopped) }
		defer func() { tr.wake = nil }()
		if tr.quit || len(tr.failed) > 0 {
			return nil
		}
		return tr.await(t, func() bool { return tr.state != started })
	})
	stop := t.Shielded(func(*corolla.Scope) error { return tr.Stop(t) })
	if err == nil || corolla.IsOnly(err, corolla.ErrCanceled) {
		return stop
	}
	return errors.Join(err, stop)
}

// withoutCancels returns what else there is in the error of a start that was broken off.
func withoutCancels(err error) error {
	if corolla.IsOnly(err, corolla.ErrCanceled) {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var rest []error
		for _, e := range joined.Unwrap() {
			rest = append(rest, withoutCancels(e))
		}
		return errors.Join(rest...)
	}
	return err
}

// Quit makes Run of the outermost tree that tr is part of stop it and return, with err among the errors
// unless that is nil. It does not wait, so that any part may call it. (reactor.stop)
func (tr *Tree) Quit(err error) {
	if err != nil {
		tr.log(slog.LevelError, "failed", tr.path(), "error", err)
		err = &Error{"run", tr.path(), err}
	}
	root := tr
	for root.parent != nil {
		root = root.parent
	}
	root.over(err)
}

// over ends a tree, because of an error if that is not nil.
func (tr *Tree) over(err error) {
	if tr.state == idle {
		return
	}
	if tr.quit = true; err != nil {
		tr.fails(err)
	}
	switch {
	case tr.state == starting:
		tr.scope.Cancel(ErrStopped)
	case tr.wake != nil:
		tr.wake()
	}
}

// path returns the names of the trees on the way to this one, and its own.
func (tr *Tree) path() string {
	if tr.parent == nil {
		return tr.name
	}
	return tr.parent.path() + "/" + tr.name
}

// has reports whether a part is a tree of this one, which names and logs its errors itself.
func (tr *Tree) has(p Service) bool {
	inner, ok := p.(*Tree)
	return ok && inner.parent == tr
}

func (tr *Tree) pathOf(p Service) string { return tr.path() + "/" + name(p) }

// error logs an error of a part, unless msg is empty, and says which part it is of.
func (tr *Tree) error(op string, p Service, err error, msg string) error {
	if e := (*Error)(nil); tr.has(p) && errors.As(err, &e) {
		return err
	}
	if msg != "" {
		tr.log(slog.LevelError, msg, tr.pathOf(p), "error", err)
	}
	return &Error{op, tr.pathOf(p), err}
}

func (tr *Tree) begin(t *corolla.Task) (err error) {
	tr.quit, tr.failed = false, nil
	n, whole := 0, false
	defer func() { // also if t is unwound
		if !whole {
			err = errors.Join(err, t.Shielded(func(*corolla.Scope) error { return tr.stopParts(t, n) }))
		}
	}()
	for _, p := range tr.parts {
		if f, ok := p.(Failer); ok {
			f.OnFail(func(err error) { tr.over(tr.error("run", p, err, "failed")) })
		}
		err := call(t, "Start of "+name(p), p.Start)
		if err != nil {
			return tr.notStarted(t, p, err)
		}
		n++
		tr.log(slog.LevelInfo, "started", tr.pathOf(p))
		if c := t.Scope().Canceled(); c != nil {
			return tr.notStarted(t, p, c)
		}
	}
	whole = true
	return nil
}

// notStarted returns why the tree has not started, of which a part's error may be only the consequence.
func (tr *Tree) notStarted(t *corolla.Task, p Service, err error) error {
	if tr.failed != nil && corolla.IsOnly(err, corolla.ErrCanceled) {
		err, tr.failed = errors.Join(tr.failed...), nil
		return err
	}
	msg := "not started"
	if t.Scope().Canceled() != nil {
		msg = "" // that is no error
	}
	return tr.error("start", p, err, msg)
}

func (tr *Tree) end(t *corolla.Task) error {
	s := tr.newStop(t)
	defer s.over()
	s.phase(t, Before)
	during := s.begin(t, During)
	s.parts(t, len(tr.parts))
	s.waitAll(t, during)
	s.phase(t, After)
	return errors.Join(s.errs...)
}

func (tr *Tree) stopParts(t *corolla.Task, n int) error {
	s := tr.newStop(t)
	defer s.over()
	s.parts(t, n)
	return errors.Join(s.errs...)
}

// log logs what has become of a part, or of the tree. A handler that panics must not keep other parts from
// their end.
func (tr *Tree) log(level slog.Level, msg, path string, args ...any) {
	if log := tr.logger(); log != nil {
		if tr.loop != nil { // it was started
			defer func() {
				if v := recover(); v != nil {
					tr.loop.Recovered(v, "the handler of the log of "+tr.path())
				}
			}()
		}
		log.Log(context.Background(), level, msg, append([]any{"service", path}, args...)...)
	}
}

func (tr *Tree) logger() *slog.Logger {
	if tr.Log == nil && tr.parent != nil {
		return tr.parent.logger()
	}
	return tr.Log
}
