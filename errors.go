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

	// ErrLoopClosed is returned by an operation whose loop was closed.
	ErrLoopClosed = errors.New("corolla: the loop is closed")

	// ErrLoopRunning is returned by Run, RunForever and Close while the loop is running.
	ErrLoopRunning = errors.New("corolla: the loop is running")

	// ErrLoopStopped is returned by Run when Stop ended the loop before its main
	// task had finished.
	ErrLoopStopped = errors.New("corolla: the loop was stopped before its main task finished")

	// ErrBusy is returned when a second task tries to wait for the same thing on
	// the same object, such as to read from one connection.
	ErrBusy = errors.New("corolla: another task is waiting here already")

	// ErrCanceled matches every error that reports that a task, a scope or a future
	// was canceled, explicitly or by a deadline.
	ErrCanceled = errors.New("corolla: canceled")

	// ErrPending is returned by Future.Result until the future is settled.
	ErrPending = errors.New("corolla: the future has no result yet")

	// ErrSettled is returned by Resolve and Fail on a future that is already settled.
	ErrSettled = errors.New("corolla: the future has a result already")

	// ErrGoexit is the result of a task whose body called runtime.Goexit, as
	// testing.T.FailNow does.
	ErrGoexit = errors.New("corolla: the task called runtime.Goexit")
)

// CanceledError is what Park returns in a canceled scope, and so what a canceled
// task usually ends with. It matches ErrCanceled, and either context.Canceled or,
// if a deadline was the reason, context.DeadlineExceeded; it unwraps to its cause.
type CanceledError struct {
	Cause error // the reason, or nil if none was given

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

// reason returns the cause to give when the cancel is passed on.
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

// IsOnly reports whether err consists of nothing but the targets. Unlike errors.Is, it requires
// every branch to match: a sentinel joined with another error, or carried by a panic, is not alone.
// It is false for a nil error.
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

// split looks for a scope's cancel in all branches of an error, and returns it and the rest of the
// error.
func split(err error, s *Scope) (own *CanceledError, rest error) {
	switch e := err.(type) {
	case nil:
		return nil, nil
	case *CanceledError:
		if e.scope == s {
			return e, nil
		}
		return nil, err
	case *PanicError, *TimeoutError: // errors in their own right, whatever they wrap
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

// join is errors.Join, but returns a single error unwrapped.
func join(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}

// isCancel reports whether err is a cancel and nothing else.
func isCancel(err error) bool { return IsOnly(err, ErrCanceled, context.Canceled) }

// PanicError is a panic that was recovered at the boundary of a callback or a task.
type PanicError struct {
	Value any    // the argument of panic
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
// longer than the loop's SlowLimit, or is still holding it.
type SlowError struct {
	Took    time.Duration // so far, if Lasting
	Limit   time.Duration
	Where   string // the callback or task, and where it comes from
	Stack   []byte // where it was when it passed the limit, as debug.Stack prints it; nil if not caught in the act
	Lasting bool   // it is not over yet: this report is for the StallHandler
}

func (e *SlowError) Error() string {
	held := "held"
	if e.Lasting {
		held = "has been holding"
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

// SignalError is the cause of a cancel by a signal; see CancelOnSignal.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "signal: " + e.Signal.String() }

// DeadlockError is returned by Run on a simulated machine when nothing can happen
// any more although tasks are waiting. Tasks says what they are waiting for.
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
