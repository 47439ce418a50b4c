package corolla

import "runtime/debug"

// Job is a task in one piece of memory with what else a model of threads knows of it. It is part of
// the model's own type, which is its Body and keeps the result; Go and Loop.Go are for everything
// that is content with a Future. The zero value is ready to be started, once.
type Job struct {
	task Task
	body Body
	over bool
}

// Body is what a Job runs.
type Body interface {
	// Run is the body of the task.
	Run(t *Task) error
	// Ended is called once, when Run has returned or will never be called, and before anybody
	// hears of it. The error is Run's, a *PanicError, or what the task was canceled or unwound
	// with. After Run it is called in the task, and may wait; otherwise in a callback.
	Ended(err error)
	// Function returns the function that lists and reports name: the user's.
	Function() any
}

// Start starts the task; see Loop.Go. On a loop that is closed the body ends at once, with
// ErrLoopClosed.
func (j *Job) Start(l *Loop, body Body, opts ...TaskOption) {
	l.check("Job.Start")
	if j.body != nil {
		panic("corolla: Start of a Job that was started already: a job runs once, make another")
	}
	j.body = body
	j.task.launch(l, j, l.site(), opts)
}

// Task returns the job's task, which has no loop until the job is started.
func (j *Job) Task() *Task { return &j.task }

// do is Run and Ended. Its frame is on the stack of every task that waits, so what seldom happens is
// done elsewhere.
func (j *Job) do(t *Task) {
	returned := false
	defer func() {
		if !returned {
			j.recovered(t, recover())
		}
	}()
	err := j.body.Run(t)
	returned = true
	j.fail(err)
}

// recovered is the end of a body that has panicked. After runtime.Goexit, which goes on, Task.body sees
// to the end.
func (j *Job) recovered(t *Task, v any) {
	switch v := v.(type) {
	case nil:
	case unwinding:
		j.fail(v.err)
	default:
		j.fail(t.loop.Caught(v, t.String()))
	}
}

func (j *Job) fail(err error) {
	if !j.over {
		j.over = true
		j.body.Ended(err)
	}
}

func (j *Job) outcome() error { return nil } // a job is in no group
func (j *Job) function() any  { return j.body.Function() }
func (j *Job) awaited() bool  { return false } // no cancel is passed on to it

// Caught makes the error of a panic that somebody is to be given. Unlike Recovered it does not go to the
// error handler too; with ErrorPolicy(Crash) it goes out of Run. Call it from the deferred function
// that has recovered v. The panic by which a loop ends a task goes on; see IsUnwinding.
func (l *Loop) Caught(v any, where string) *PanicError {
	l.check("Caught")
	if end, ok := v.(unwinding); ok {
		panic(end) // no failure: the task goes on to its end
	}
	p := &PanicError{Value: v, Stack: debug.Stack(), Where: where}
	if l.opt.crash {
		l.crashWith(p)
	}
	return p
}
