package service

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
)

// TaskOption changes what NewTask makes.
type TaskOption func(*task)

// StopWith has Stop call a function, which makes the body return, instead of canceling the body: the
// Shutdown of a server, say. If the body then returns one of the errors in over, or one that says that it
// was canceled, that is no failure. If the function returns an error, the body is canceled after all.
//
//	srv := &web.Server{Handler: mux}
//	service.NewTask("web", func(t *corolla.Task, ready func()) error {
//		ln, err := aio.Listen(t.Loop(), "tcp", ":8080")
//		if err != nil {
//			return err
//		}
//		ready()
//		return srv.Serve(t, ln)
//	}, service.StopWith(srv.Shutdown, http.ErrServerClosed))
func StopWith(stop func(t *corolla.Task) error, over ...error) TaskOption {
	return func(k *task) { k.stop, k.over = stop, append(k.over, over...) }
}

// task is the service of a task.
type task struct {
	unit    *Unit
	body    func(t *corolla.Task, ready func()) error
	stop    func(t *corolla.Task) error // nil: cancel the body
	over    []error
	run     *corolla.Future[struct{}]
	ready   bool
	ending  bool
	changed corolla.Event // run has ended, or is ready
}

// NewTask returns a service that runs body in a task of its own. It has started when body calls ready, or
// returns before that: with an error, it has not. Stop cancels the task, with ErrStopped as the cause, and
// waits until it has ended; StopWith does it otherwise.
//
// If body returns an error, or panics, when it is ready and was not told to stop, the service fails. If it
// returns nil, it has done its work.
func NewTask(name string, body func(t *corolla.Task, ready func()) error, opts ...TaskOption) *Unit {
	k := &task{body: body, over: []error{corolla.ErrCanceled}}
	for _, o := range opts {
		o(k)
	}
	k.unit = New(name, k.begin, k.end)
	return k.unit
}

func (k *task) begin(t *corolla.Task) error {
	k.ready, k.ending = false, false
	k.changed.Clear()
	run := t.Loop().Go(func(t *corolla.Task) error {
		return k.body(t, func() {
			k.ready = true
			k.changed.Set()
		})
	}, corolla.Describe(k.body, k.unit))
	k.run = run
	run.OnDone(func(f *corolla.Future[struct{}]) {
		if k.run == f {
			k.ended()
		}
	})
	if err := k.changed.Wait(t); err != nil {
		k.ending = true
		run.Cancel(err)
		_, end := run.Await(t) // waits for it, since t is canceled too
		return errors.Join(err, k.bad(end))
	}
	if k.ready {
		return nil
	}
	_, err := run.Result()
	return err
}

// ended is called when the body has returned.
func (k *task) ended() {
	if !k.ready || k.ending {
		k.changed.Set() // somebody waits, and takes the error
		return
	}
	k.ending = true
	if _, err := k.run.Result(); err != nil {
		k.unit.fails(err)
	}
}

func (k *task) end(t *corolla.Task) (err error) {
	if k.ending { // it has ended already, and ended has told of it
		return nil
	}
	k.ending = true
	if k.stop == nil {
		k.run.Cancel(ErrStopped)
	} else if err = call(t, "what stops "+k.unit.name, k.stop); err != nil {
		k.run.Cancel(ErrStopped)
	}
	_, end := k.run.Await(t)
	return errors.Join(err, k.bad(end))
}

// bad returns the error of a body that was told to end, unless there is nothing else in it.
func (k *task) bad(err error) error {
	if err == nil || corolla.IsOnly(err, k.over...) {
		return nil
	}
	return err
}

// NewTimer returns a service that calls f at once and then at the end of every d, as corolla.Every does.
// If f returns an error, the service fails. Stop lets a call that has begun come to its end, and cancels it
// only when its own task is canceled. (Twisted's TimerService, which logs an error and goes on without
// calls.)
func NewTimer(name string, d time.Duration, f func(t *corolla.Task) error) *Unit {
	var run *corolla.Task
	var busy, over bool
	return NewTask(name, func(t *corolla.Task, ready func()) error {
		run, over = t, false
		ready()
		return corolla.Every(t, d, func() error {
			busy = true
			defer func() { busy = false }()
			err := f(t)
			if err == nil && over {
				return ErrStopped
			}
			return err
		})
	}, StopWith(func(*corolla.Task) error {
		if over = true; !busy {
			run.Cancel(ErrStopped)
		}
		return nil
	}, ErrStopped))
}
