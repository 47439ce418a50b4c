package corolla

import (
	"errors"
	"iter"
)

// ErrNothing is the result of waiting for the first of an empty set of futures.
var ErrNothing = errors.New("corolla: there is no future to wait for")

// Result is what a future was settled with.
type Result[T any] struct {
	Value T
	Err   error
}

// All returns a future of all results, in the order of its arguments. The first error
// fails it at once; the other futures carry on. Canceling it cancels them all, and it is
// settled when they all are. (asyncio's gather.)
func All[T any](l *Loop, fs ...*Future[T]) *Future[[]T] {
	values := make([]T, len(fs))
	g := newGather(l, fs, func(i int, v T, err error, g *gather[T, []T]) {
		values[i] = v
		if err != nil && !g.canceling {
			g.out.settleOnce(nil, err)
			g.out.canceled = false // one of the futures was, not the whole
		}
	})
	g.finish = func() ([]T, error) { return values, nil }
	return g.start()
}

// Collect returns a future of all results and errors, in the order of its arguments. It
// does not fail unless it is canceled: that cancels all the futures, and it is settled when
// they all are. (asyncio's gather with return_exceptions.)
func Collect[T any](l *Loop, fs ...*Future[T]) *Future[[]Result[T]] {
	results := make([]Result[T], len(fs))
	g := newGather(l, fs, func(i int, v T, err error, _ *gather[T, []Result[T]]) {
		results[i] = Result[T]{v, err}
	})
	g.finish = func() ([]Result[T], error) { return results, nil }
	return g.start()
}

// Any returns a future of the first value. Once there is one, the others are canceled. If
// all fail, it fails with all their errors, joined; given no futures, with ErrNothing.
func Any[T any](l *Loop, fs ...*Future[T]) *Future[T] {
	var errs []error
	g := newGather(l, fs, func(_ int, v T, err error, g *gather[T, T]) {
		switch {
		case g.out.done:
		case err != nil:
			errs = append(errs, err)
		default:
			g.cancelRest()
			g.out.settleOnce(v, nil)
		}
	})
	g.finish = func() (v T, err error) {
		if len(errs) == 0 {
			return v, ErrNothing
		}
		return v, errors.Join(errs...)
	}
	return g.start()
}

// First returns a future of the first result, whether a value or an error. The others are
// then canceled. Given no futures, it fails with ErrNothing. (Twisted's race.)
func First[T any](l *Loop, fs ...*Future[T]) *Future[T] {
	g := newGather(l, fs, func(_ int, v T, err error, g *gather[T, T]) {
		if !g.out.done {
			g.cancelRest()
			g.out.settleOnce(v, err)
		}
	})
	g.finish = func() (v T, err error) { return v, ErrNothing }
	return g.start()
}

// gather combines many futures of T into one of R.
type gather[T, R any] struct {
	out       *Future[R]
	in        []*Future[T]
	each      func(i int, v T, err error, g *gather[T, R])
	finish    func() (R, error)
	left      int
	canceling bool
	cause     error
}

func newGather[T, R any](l *Loop, fs []*Future[T], each func(int, T, error, *gather[T, R])) *gather[T, R] {
	g := &gather[T, R]{out: NewFuture[R](l), in: fs, each: each, left: len(fs)}
	g.out.onCancel = g
	return g
}

func (g *gather[T, R]) start() *Future[R] {
	for i, f := range g.in {
		f.OnDone(func(f *Future[T]) { g.ended(i, f) })
	}
	if g.left == 0 {
		g.out.settleOnce(g.finish())
	}
	return g.out
}

func (g *gather[T, R]) ended(i int, f *Future[T]) {
	v, err := f.Result()
	g.left--
	g.each(i, v, err, g)
	if g.left > 0 || g.out.done {
		return
	}
	if g.canceling {
		var none R
		g.out.settleOnce(none, &CanceledError{Cause: g.cause})
		return
	}
	g.out.settleOnce(g.finish())
}

// cancel cancels the pending futures; the result is settled when they are.
func (g *gather[T, R]) cancel(cause error) {
	if !g.canceling {
		g.canceling, g.cause = true, cause
		g.cancelRest()
	}
}

// needs reports whether one of the futures does; see Future.needs.
func (g *gather[T, R]) needs(t *Task, w *walk) bool {
	for _, f := range g.in {
		if f.needs(t, w) {
			return true
		}
	}
	return false
}

func (g *gather[T, R]) cancelRest() {
	for _, f := range g.in {
		f.Cancel(g.cause)
	}
}

// Shield returns a future with f's result whose cancel does not reach f: when a task that
// awaits it is canceled, f carries on. If f is canceled, so is the shield. If f fails after
// the shield was canceled, nobody has looked at the error; see UnseenError.
func Shield[T any](f *Future[T]) *Future[T] {
	out := NewFuture[T](f.loop)
	stop := f.OnDone(func(f *Future[T]) {
		if !out.done {
			out.settle(f.Result())
		}
	})
	out.OnCancel(func(cause error) {
		stop()
		var zero T
		out.settle(zero, &CanceledError{Cause: cause})
	})
	return out
}

// Until says when Wait returns.
type Until int

const (
	// AllDone waits until every future is settled.
	AllDone Until = iota
	// FirstDone waits until one is.
	FirstDone
	// FirstError waits until one has failed, other than by a cancel, or all are settled.
	FirstError
)

// Wait parks t until enough of the futures are settled, and returns those that are and
// those that are not, in the order given. It looks at no result and cancels nothing. The
// error is ErrNothing if no futures were given, or t's own.
func Wait[T any](t *Task, until Until, fs ...*Future[T]) (done, pending []*Future[T], err error) {
	if len(fs) == 0 {
		return nil, nil, ErrNothing
	}
	w := &wanted[T]{until: until, left: len(fs)}
	for _, f := range fs {
		if f.done {
			w.settled(f)
		} else {
			d := &doneCall[T]{f: f, call: w.settled}
			d.enter()
			defer d.stop()
		}
	}
	if !w.enough.set {
		err = w.enough.Wait(t)
	}
	for _, f := range fs {
		if f.done {
			done = append(done, f)
		} else {
			pending = append(pending, f)
		}
	}
	return done, pending, err
}

// wanted counts what Wait waits for.
type wanted[T any] struct {
	until  Until
	left   int // pending futures
	enough Event
}

func (w *wanted[T]) settled(f *Future[T]) {
	w.left--
	if w.left == 0 || w.until == FirstDone || w.until == FirstError && f.err != nil && !f.Canceled() {
		w.enough.Set()
	}
}

// AsCompleted returns an iterator over the futures in the order in which they are settled;
// it parks t until the next one is. If t is canceled it yields nil and the error, and ends.
func AsCompleted[T any](t *Task, fs ...*Future[T]) iter.Seq2[*Future[T], error] {
	return func(yield func(*Future[T], error) bool) {
		ready := NewQueue[*Future[T]](-1)
		for _, f := range fs {
			defer f.OnDone(func(f *Future[T]) { _ = ready.TryPut(f) })() // never full, never shut down
		}
		for range fs {
			f, err := ready.Get(t)
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}
