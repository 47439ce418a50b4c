package corolla

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/corolla-go/corolla/internal/ds"
)

// Blocking work is done on other goroutines, and Workers bound how many. Each kind of work has its
// own workers: 64 jobs that sleep must not hold up a name lookup or a server's signatures. A single
// pool with priorities was rejected: a running job cannot be preempted.
//
// Jobs that wait for a place are in a list from which any can be removed, so that a canceled one
// releases its closure at once, however long those ahead of it take.

// Workers run jobs that may block, each on its own goroutine and only so many at a time. The rest
// wait their turn.
type Workers struct {
	loop           *Loop
	limit, running int
	waiting        ds.List[*errand]
}

// errand is a job that waits for a place.
type errand struct {
	run      func()
	over     func()      // releases what the job was given
	unwanted func() bool // the job is no longer worth starting
	place    ds.Link[*errand]
}

// Workers returns the loop's workers with a given name, and makes them on first use. Offload uses
// the empty name; "lookup", "sign" and "process" are among the library's own. Each kind has MaxJobs
// places until SetLimit changes that.
func (l *Loop) Workers(name string) *Workers {
	l.check("Workers")
	w := l.workers[name]
	if w == nil {
		w = &Workers{loop: l, limit: l.opt.jobs}
		if l.workers == nil {
			l.workers = map[string]*Workers{}
		}
		l.workers[name] = w
	}
	return w
}

// SetLimit sets how many jobs run at a time, at least 1. Jobs over the limit that are already
// running carry on.
func (w *Workers) SetLimit(n int) {
	w.loop.check("Workers.SetLimit")
	w.limit = max(n, 1)
	w.fill()
}

// WorkersStats describes Workers.
type WorkersStats struct {
	Limit   int
	Running int
	Waiting int // jobs that wait for a place
}

// Stats returns the current state of the workers.
func (w *Workers) Stats() WorkersStats {
	w.loop.check("Workers.Stats")
	return WorkersStats{w.limit, w.running, w.waiting.Len()}
}

// Offload runs work, which may block, on its own goroutine and returns the future
// of its result. At most MaxJobs run at a time; the rest wait their turn.
//
// Canceling the future does not stop work that has begun: it only ends the wait, and the
// work keeps its place until it returns. OffloadTo gives work a context. A panic in work fails
// the future with a *PanicError, and runtime.Goexit with ErrGoexit. On a closed loop the
// error is ErrLoopClosed.
func Offload[T any](l *Loop, work func() (T, error)) *Future[T] {
	l.check("Offload")
	return offload(l.Workers(""), callSite(2), work, nil)
}

// OffloadTo is Offload on the given workers, with a context for the work that ends when the future
// is canceled or the loop is closed. Work that returns when it ends frees its place early.
func OffloadTo[T any](w *Workers, work func(ctx context.Context) (T, error)) *Future[T] {
	w.loop.check("OffloadTo")
	ctx, stop := context.WithCancel(context.Background())
	return offload(w, callSite(2), func() (T, error) { return work(ctx) }, stop)
}

func offload[T any](w *Workers, from site, work func() (T, error), stop func()) *Future[T] {
	l := w.loop
	f := &Future[T]{loop: l, site: from}
	if l.state >= closing {
		f.settle(f.value, fmt.Errorf("offload: %w", ErrLoopClosed))
		return f
	}
	over := func() {}
	if stop != nil {
		forget := l.OnClose(stop)
		over = func() { forget(); stop() }
	}
	e := &errand{over: over, unwanted: f.Done}
	e.place.Value = e
	e.run = func() {
		var v T
		err := error(ErrGoexit)
		defer func() {
			_ = l.Post(func() { // refused on a closed loop, where nobody waits
				w.running--
				w.fill()
				over()
				f.settleOnce(v, err)
			})
		}()
		v, err = protect(work, from)
	}
	f.OnCancel(func(cause error) {
		e.leave()
		over()
		f.settle(f.value, &CanceledError{Cause: cause})
	})
	w.waiting.Push(&e.place)
	w.fill()
	return f
}

func protect[T any](work func() (T, error), s site) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack(), Where: "a job offloaded at " + s.String()}
		}
	}()
	return work()
}

// fill starts waiting jobs while there are places.
func (w *Workers) fill() {
	for next := w.waiting.First(); next != nil && w.running < w.limit; next = w.waiting.First() {
		e := next.Value
		run := e.run
		e.leave()
		if e.unwanted() {
			e.over()
			continue
		}
		w.running++
		w.loop.host.Start(run)
	}
}

// drop drops all waiting jobs, when the loop is closed.
func (w *Workers) drop() {
	for next := w.waiting.First(); next != nil; next = w.waiting.First() {
		next.Value.leave()
	}
}

// leave takes a waiting errand off the list, and releases what it holds.
func (e *errand) leave() {
	if e.place.Leave() {
		e.run = nil
	}
}
