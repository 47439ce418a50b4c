package corolla

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// Errors that callers look for with errors.Is.
var (
	// ErrWouldBlock is returned by a Try… operation that cannot proceed now.
	ErrWouldBlock = host.ErrAgain

	// ErrLoopClosed is returned by what needs a loop that was closed.
	ErrLoopClosed = errors.New("corolla: the loop is closed")

	// ErrLoopRunning is returned by Run, RunForever and Close while the loop runs.
	ErrLoopRunning = errors.New("corolla: the loop is running")

	// ErrLoopStopped is returned by Run when Stop ended the loop before its main
	// task was finished.
	ErrLoopStopped = errors.New("corolla: the loop was stopped before its main task finished")

	// ErrBusy is returned when a second task wants to wait for the same thing of
	// the same object, such as to read one connection.
	ErrBusy = errors.New("corolla: another task is waiting here already")

	// ErrCanceled matches every error that says that a task, a scope or a future
	// was canceled, by hand or by a deadline.
	ErrCanceled = errors.New("corolla: canceled")

	// ErrPending is returned by Future.Result before there is one.
	ErrPending = errors.New("corolla: the future has no result yet")

	// ErrSettled is returned by Resolve and Fail on a future that has a result.
	ErrSettled = errors.New("corolla: the future has a result already")

	// ErrGoexit is the result of a task whose body called runtime.Goexit, as
	// testing.T.FailNow does.
	ErrGoexit = errors.New("corolla: the task called runtime.Goexit")
)

// CanceledError is what a Park returns in a scope that was canceled, and so what
// a canceled task usually ends with. It matches ErrCanceled, and either
// context.Canceled or, when a deadline was the reason, context.DeadlineExceeded;
// it unwraps to its cause.
type CanceledError struct {
	Cause error // why, or nil if nobody said

	deadline bool
	scope    *Scope // the one that was canceled
}

func (e *CanceledError) Error() string {
	switch {
	case e.deadline:
		return "canceled: the deadline of the scope has passed"
	case e.Cause != nil:
		return "canceled: " + e.Cause.Error()
	}
	return "canceled"
}

// Is makes the error match ErrCanceled and the context package's two errors.
func (e *CanceledError) Is(target error) bool {
	return target == ErrCanceled || target == e.contextError()
}

// Unwrap returns the cause.
func (e *CanceledError) Unwrap() error { return e.Cause }

// Timeout reports whether a deadline was the reason, as net.Error does.
func (e *CanceledError) Timeout() bool { return e.deadline }

// reason is what to give as the cause of a further cancel.
func (e *CanceledError) reason() error {
	if e.Cause != nil {
		return e.Cause
	}
	return e.contextError()
}

func (e *CanceledError) contextError() error {
	if e.deadline {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// IsOnly reports whether err says nothing but one of the targets. Unlike errors.Is, it looks at
// every branch: an error that is joined with another one, or that a panic carried, says more than
// its sentinel. It is false for a nil error.
func IsOnly(err error, targets ...error) bool {
	if err == nil {
		return false
	}
	for _, target := range targets {
		if err == target {
			return true
		}
	}
	switch e := err.(type) {
	case *PanicError:
		return false
	case *TimeoutError:
		return slices.ContainsFunc(targets, e.Is) && (e.rest == nil || IsOnly(e.rest, targets...))
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			if part != nil && !IsOnly(part, targets...) {
				return false
			}
		}
		return len(e.Unwrap()) > 0
	case interface{ Is(error) bool }:
		for _, target := range targets {
			if e.Is(target) {
				return true
			}
		}
	}
	return IsOnly(errors.Unwrap(err), targets...)
}

// split looks for the cancel of a scope in all branches of an error, and returns it and what else
// the error says.
func split(err error, s *Scope) (own *CanceledError, rest error) {
	switch e := err.(type) {
	case nil:
		return nil, nil
	case *CanceledError:
		if e.scope == s {
			return e, nil
		}
		return nil, err
	case *PanicError, *TimeoutError: // they say something themselves, whatever is inside
		return nil, err
	case interface{ Unwrap() []error }:
		var others []error
		for _, part := range e.Unwrap() {
			o, r := split(part, s)
			if own = cmp.Or(own, o); r != nil {
				others = append(others, r)
			}
		}
		if len(others) == 1 {
			rest = others[0]
		} else {
			rest = errors.Join(others...)
		}
	default:
		own, rest = split(errors.Unwrap(err), s)
	}
	if own == nil {
		return nil, err
	}
	return own, rest
}

// join is errors.Join, but leaves an error alone that has nothing to be joined with.
func join(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}

// isCancel reports whether err says nothing but that something was canceled.
func isCancel(err error) bool { return IsOnly(err, ErrCanceled, context.Canceled) }

// PanicError is a panic that was stopped at the edge of a callback or a task.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // where, as debug.Stack prints it
	Where string // the callback or task, and where it comes from
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.Where, e.Value) }

// Unwrap returns the panic's value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// SlowError reports a callback, or one stretch of a task, that held the loop for
// longer than the loop's SlowLimit, or still does.
type SlowError struct {
	Took    time.Duration // so far, if it lasts
	Limit   time.Duration
	Where   string // the callback or task, and where it comes from
	Stack   []byte // where it was when it had taken too long, as debug.Stack prints it; nil if nobody saw
	Lasting bool   // it is not over yet: this is for the StallHandler
}

func (e *SlowError) Error() string {
	held := "held"
	if e.Lasting {
		held = "still holds"
	}
	return fmt.Sprintf("%s %s the loop for %v (limit %v)", e.Where, held, e.Took, e.Limit)
}

// UnseenError reports the failure of a task or future that nobody looked at.
type UnseenError struct {
	Err   error
	Where string // the task or future, and where it comes from
}

func (e *UnseenError) Error() string {
	return fmt.Sprintf("%s failed and nobody looked at the error: %v", e.Where, e.Err)
}

// Unwrap returns the error that was not looked at.
func (e *UnseenError) Unwrap() error { return e.Err }

// SignalError is why a task was canceled by a signal; see CancelOnSignal.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "signal: " + e.Signal.String() }

// DeadlockError is returned by Run on a simulated machine on which nothing can
// happen any more although tasks wait. Tasks says for what.
type DeadlockError struct {
	Tasks []TaskInfo
}

func (e *DeadlockError) Error() string {
	var b strings.Builder
	b.WriteString("deadlock: nothing can happen any more")
	for _, t := range e.Tasks {
		fmt.Fprintf(&b, "\n\t%v", t)
	}
	return b.String()
}

// Unwrap returns the simulated machine's error.
func (e *DeadlockError) Unwrap() error { return host.ErrDeadlock }
