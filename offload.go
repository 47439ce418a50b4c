package corolla

import (
	"fmt"
	"runtime/debug"

	"github.com/corolla-go/corolla/internal/ds"
)

// Offload runs work, which may block, on a goroutine of its own and returns the
// future of its result. At most MaxJobs run at a time; others wait their turn.
//
// Canceling the future does not stop work that has begun: it only stops the
// waiting. Give work a context, such as the task, if it can be stopped. A panic in
// work fails the future with a *PanicError.
func Offload[T any](l *Loop, work func() (T, error)) *Future[T] {
	l.check("Offload")
	f := &Future[T]{loop: l, site: callSite(2)}
	if l.state >= closing {
		f.settle(f.value, fmt.Errorf("offload: %w", ErrLoopClosed))
		return f
	}
	l.jobs.add(l, errand{f.Done, func() {
		var v T
		err := error(ErrGoexit)
		defer func() {
			_ = l.Post(func() { // refused when the loop is closed: then nobody waits
				l.jobs.finished(l)
				f.settleOnce(v, err)
			})
		}()
		v, err = protect(work, f.site)
	}})
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

// errand is a job, and whether nobody waits for it any more.
type errand struct {
	canceled func() bool
	run      func()
}

// jobs counts what runs elsewhere and queues what may not yet.
type jobs struct {
	running int
	queue   ds.Ring[errand]
}

func (j *jobs) add(l *Loop, job errand) {
	if j.running == l.opt.jobs {
		j.queue.Push(job)
		return
	}
	j.running++
	l.host.Start(job.run)
}

func (j *jobs) finished(l *Loop) {
	for j.queue.Len() > 0 {
		if job := j.queue.Pop(); !job.canceled() {
			l.host.Start(job.run)
			return
		}
	}
	j.running--
}

func (j *jobs) drop() { j.queue = ds.Ring[errand]{} }
