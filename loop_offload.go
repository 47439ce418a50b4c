package corolla

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/corolla-go/corolla/internal/ds"
)

// What blocks is done on other goroutines, of which Workers bound the number. Each kind of work has
// workers of its own: 64 jobs that sleep must not keep a name from being looked up, nor a server
// from signing. One pool with priorities was rejected: a job that runs cannot be put off.
//
// Jobs that wait for a place are a list in which each can be taken out, so that one that is
// canceled lets go of its closure at once, however long those before it take.

// Workers run jobs, which may block, each on a goroutine of its own: at most a limit at a time.
// Others wait their turn.
type Workers struct {
	loop           *Loop
	limit, running int
	waiting        ds.List[*errand]
}

// errand is a job, while it waits for a place.
type errand struct {
	run      func()
	over     func()      // lets go of what the job was given
	unwanted func() bool // nobody waits for it any more
	place    ds.Link[*errand]
}

// Workers returns the loop's workers of a name, which are made when they are first asked for. Those
// of Offload have the empty name; "lookup", "sign" and "process" are the library's too. Each kind
// has MaxJobs places until SetLimit.
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

// SetLimit sets how many jobs, at least 1, run at a time. Those beyond it that run already go on.
func (w *Workers) SetLimit(n int) {
	w.loop.check("Workers.SetLimit")
	w.limit = max(n, 1)
	w.fill()
}

// WorkersStats describes Workers.
type WorkersStats struct {
	Limit   int
	Running int
	Waiting int // for a place
}

// Stats returns how the workers stand.
func (w *Workers) Stats() WorkersStats {
	w.loop.check("Workers.Stats")
	return WorkersStats{w.limit, w.running, w.waiting.Len()}
}

// Offload runs work, which may block, on a goroutine of its own and returns the
// future of its result. At most MaxJobs run at a time; others wait their turn.
//
// Canceling the future does not stop work that has begun: it only stops the
// waiting, and work goes on having its place. OffloadTo gives work a context. A panic in
// work fails the future with a *PanicError, and runtime.Goexit with ErrGoexit. On a loop that was
// closed the error is ErrLoopClosed.
func Offload[T any](l *Loop, work func() (T, error)) *Future[T] {
	l.check("Offload")
	return offload(l.Workers(""), callSite(2), work, nil)
}

// OffloadTo is Offload to workers of a name, with a context for work that ends when the future is
// canceled or the loop closed. Work that heeds it gives its place back.
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
			_ = l.Post(func() { // refused when the loop is closed: then nobody waits
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

// fill starts what waits, as long as there are places.
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

// drop lets go of all that waits, when the loop is closed.
func (w *Workers) drop() {
	for next := w.waiting.First(); next != nil; next = w.waiting.First() {
		next.Value.leave()
	}
}

// leave takes an errand that waits off the list, and lets go of what it holds.
func (e *errand) leave() {
	if e.place.Leave() {
		e.run = nil
	}
}
