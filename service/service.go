package service

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla"
)

// Service is a part of a program that starts, and stops. If its String method has a name for it, errors
// say that, and otherwise its type.
type Service interface {
	// Start parks t until the service works. If it returns an error, also because t was canceled, it
	// leaves nothing behind, and Stop is not called.
	Start(t *corolla.Task) error
	// Stop ends the service, and parks t until it has ended. If t is canceled, the service ends as soon
	// as it can, and nothing of it is left when Stop returns.
	Stop(t *corolla.Task) error
}

// Failer is a Service that may fail when it works already. All that this package makes are.
type Failer interface {
	Service
	// OnFail sets the function that is told why. It is called once at most after each Start.
	OnFail(f func(err error))
}

var (
	// ErrStarted is returned by Start of a service that was started before and not stopped.
	ErrStarted = errors.New("service: already started")
	// ErrStopped is why what a service does is canceled when it is stopped.
	ErrStopped = errors.New("service: stopped")
	// ErrStuck is returned for a service, or another function, that does not end although it was told to
	// and then canceled. It is left behind.
	ErrStuck = errors.New("service: it does not end, and is left behind")

	errWithin = errors.New("service: Stop within Stop would wait for itself")
)

// Error is an error of a part of a Tree.
type Error struct {
	Op      string // "start", "run" or "stop", or the name of a Phase
	Service string // the names on the way to it, such as "app/web"
	Err     error
}

func (e *Error) Error() string { return e.Op + " " + e.Service + ": " + e.Err.Error() }

// Unwrap returns the part's own error.
func (e *Error) Unwrap() error { return e.Err }

// name returns what errors call a service.
func name(s Service) string {
	if n, ok := s.(fmt.Stringer); ok {
		return n.String()
	}
	return fmt.Sprintf("%T", s)
}

// call calls a function of a service, whose panic is an error like another: the other services still
// have to be stopped.
func call(t *corolla.Task, what string, f func(t *corolla.Task) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = t.Loop().Caught(v, what)
		}
	}()
	return f(t)
}

type state uint8

const (
	idle state = iota
	starting
	started
	stopping
)

// Unit is a service that New, NewTask, NewTimer, NewServer or NewTaskServer made. Start and Stop can be
// called by any task at any time, and any number of times:
//
//   - Start returns ErrStarted if it is started. While it is stopping, Start waits for that.
//   - Stop does nothing if it is stopped. While it is starting, Stop cancels that. While it is stopping,
//     Stop waits for the same end, and returns the same error.
type Unit struct {
	name        string
	start, stop func(t *corolla.Task) error // as those of Service; each is called when the other has returned

	loop    *corolla.Loop // of the task that last started it
	state   state
	stops   int            // how often Stop was called
	ends    int            // how often it has ended
	scope   *corolla.Scope // of the task that starts it
	stopper *corolla.Task  // the task that stops it
	err     error          // of the last stop
	changed corolla.Event  // set for a moment whenever state has changed

	fail   func(error)
	failed []error // of which nobody was told: for Stop
}

// New returns a service of two functions, either of which may be nil. They are called as Service has it.
// Start of a service that only has to wait for another one, before those behind it start, is a use of its
// own:
//
//	service.New("database is there", func(t *corolla.Task) error {
//		_, err := database.WhenConnected(3).Await(t)
//		return err
//	}, nil)
func New(name string, start, stop func(t *corolla.Task) error) *Unit {
	nothing := func(*corolla.Task) error { return nil }
	if start == nil {
		start = nothing
	}
	if stop == nil {
		stop = nothing
	}
	return &Unit{name: name, start: start, stop: stop}
}

// String returns the service's name.
func (u *Unit) String() string { return u.name }

// Running reports whether the service was started, and not stopped since. It may have failed.
func (u *Unit) Running() bool { return u.state == started }

// OnFail implements Failer. Without a function to tell, Stop returns the error.
func (u *Unit) OnFail(f func(err error)) { u.fail = f }

func (u *Unit) fails(err error) {
	if u.fail != nil {
		u.fail(err)
	} else {
		u.failed = append(u.failed, err)
	}
}

// Start implements Service.
func (u *Unit) Start(t *corolla.Task) error {
	if u.state == stopping && u.stopper != t {
		before := u.stops
		if err := u.await(t, func() bool { return u.state != stopping }); err != nil {
			return err
		}
		if u.stops != before { // meanwhile somebody has wanted it to stay stopped
			return fmt.Errorf("service: start %s: %w", u.name, ErrStopped)
		}
	}
	if u.state != idle {
		return fmt.Errorf("service: start %s: %w", u.name, ErrStarted)
	}
	after := idle
	u.loop = t.Loop()
	u.set(starting)
	defer func() { u.set(after) }()
	return t.Cancelable(func(s *corolla.Scope) error {
		u.scope = s
		err := call(t, "Start of "+u.name, u.start)
		if err == nil {
			after = started
		}
		return err
	})
}

// Stop implements Service.
func (u *Unit) Stop(t *corolla.Task) error {
	u.stops++
	if u.state == starting {
		u.scope.Cancel(ErrStopped)
		if err := u.await(t, func() bool { return u.state != starting }); err != nil {
			return err
		}
	}
	switch u.state {
	case stopping:
		if u.stopper == t {
			return fmt.Errorf("stop %s: %w", u.name, errWithin)
		}
		before := u.ends
		if err := u.await(t, func() bool { return u.ends != before }); err != nil {
			return err
		}
		return u.err
	case started:
		u.stopper, u.err = t, nil
		u.set(stopping)
		defer func() {
			u.ends++
			u.stopper = nil
			u.set(idle)
		}()
		err := call(t, "Stop of "+u.name, u.stop)
		u.err = errors.Join(append(u.failed, err)...)
		u.failed = nil
		return u.err
	}
	return nil
}

func (u *Unit) set(s state) {
	u.state = s
	u.changed.Set()
	u.changed.Clear()
}

// await parks t until something holds that changes with the state.
func (u *Unit) await(t *corolla.Task, holds func() bool) error {
	for !holds() {
		if err := u.changed.Wait(t); err != nil {
			return err
		}
	}
	return nil
}
