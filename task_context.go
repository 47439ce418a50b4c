package corolla

import (
	"context"
	"sync"
	"time"
)

// The context.Context side of a scope can be used by other goroutines, so it has its own
// copy of the state it needs, in atomic variables.
//
// The work is done by a context of the standard library, made on first use. That way a child
// context costs no goroutine, causes are passed on, and every rule is the library's. Writing
// our own was rejected: context.Cause finds its answer through a private key.

// scopeContext is the standard context of a scope.
type scopeContext struct {
	context.Context
	cancel context.CancelCauseFunc
	expire trigger
	once   sync.Once
}

// context returns the scope's standard context.
func (s *Scope) context() *scopeContext {
	if c := s.std.Load(); c != nil {
		return c
	}
	c := new(scopeContext)
	c.expire.Context = s.values
	if s.values == nil {
		c.expire.Context = context.Background()
	}
	c.Context, c.cancel = context.WithCancelCause(&c.expire)
	if !s.std.CompareAndSwap(nil, c) {
		return s.std.Load()
	}
	if e := s.ended.Load(); e != nil { // otherwise end will find c
		c.finish(e)
	}
	return c
}

// end ends the scope's context, unless it has already ended.
func (s *Scope) end(e *CanceledError) {
	if s.ended.CompareAndSwap(nil, e) {
		if c := s.std.Load(); c != nil {
			c.finish(e)
		}
	}
}

func (c *scopeContext) finish(e *CanceledError) {
	c.once.Do(func() {
		if e.deadline {
			c.expire.fire()
		} else {
			c.cancel(e.Cause)
		}
	})
}

// trigger is the parent of a scope's standard context. It exists so that a deadline on
// the loop's clock ends it with context.DeadlineExceeded, which the library's contexts
// do only for their own timers.
type trigger struct {
	context.Context
	fired bool
	child func() // ends the standard context
}

// noDone is never closed: the library asks for a Done channel before it looks for an
// AfterFunc method, and then uses the latter.
var noDone = make(chan struct{})

func (t *trigger) Done() <-chan struct{} { return noDone }

func (t *trigger) Err() error {
	if t.fired {
		return context.DeadlineExceeded
	}
	return nil
}

// AfterFunc is what the library calls instead of starting a goroutine.
func (t *trigger) AfterFunc(f func()) (stop func() bool) {
	t.child = f
	return func() bool { return false }
}

func (t *trigger) fire() {
	t.fired = true
	t.child()
}

// Deadline returns the nearest deadline of the scope and those around it, up to and
// including the innermost shielded one. Safe from any goroutine.
func (s *Scope) Deadline() (time.Time, bool) {
	nearest := int64(0)
	for ; s != nil; s = s.parent {
		if d := s.deadline.Load(); d != 0 && (nearest == 0 || d < nearest) {
			nearest = d
		}
		if s.shielded || s.parent == nil {
			break
		}
	}
	if nearest == 0 {
		return time.Time{}, false
	}
	return s.task.loop.host.Epoch().Add(time.Duration(nearest)), true
}

// Done returns a channel that is closed when the scope is canceled or left. Safe
// from any goroutine.
func (s *Scope) Done() <-chan struct{} { return s.context().Done() }

// Err returns nil, context.Canceled or context.DeadlineExceeded. Safe from any
// goroutine.
func (s *Scope) Err() error {
	if e := s.ended.Load(); e != nil {
		return e.contextError()
	}
	return nil
}

// Value returns the value of a key in the context that the task was started with.
// Safe from any goroutine.
func (s *Scope) Value(key any) any {
	if s.std.Load() != nil || s.ended.Load() != nil {
		return s.context().Value(key)
	}
	if s.values == nil {
		return nil
	}
	return s.values.Value(key)
}

// AfterFunc arranges to call f on its own goroutine when the scope is canceled or left,
// as context.AfterFunc does. Safe from any goroutine.
func (s *Scope) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(s.context(), f)
}

// Cause returns why the scope is canceled, or nil if it is not. Safe from any
// goroutine.
func (s *Scope) Cause() error {
	if s.Err() == nil {
		return nil
	}
	return context.Cause(s.context())
}

// As a context.Context, a Task is its root scope: a context must not change while other
// goroutines use it, as the innermost scope does.

// Deadline returns the deadline of the context that the task was started with, or of the
// scopes around its group. Safe from any goroutine.
func (t *Task) Deadline() (time.Time, bool) { return t.root.Deadline() }

// Done returns a channel that is closed when the task is canceled or has ended. Safe from
// any goroutine.
func (t *Task) Done() <-chan struct{} { return t.root.Done() }

// Err returns nil, or once the task is canceled or has ended, context.Canceled or
// context.DeadlineExceeded. Safe from any goroutine.
func (t *Task) Err() error { return t.root.Err() }

// Value returns the value of a key in the context that the task was started with.
// Safe from any goroutine.
func (t *Task) Value(key any) any { return t.root.Value(key) }

// AfterFunc arranges to call f on its own goroutine when the task is canceled or has ended.
// Safe from any goroutine.
func (t *Task) AfterFunc(f func()) (stop func() bool) { return t.root.AfterFunc(f) }

// Cause returns why the task is canceled, or nil if it is not, as context.Cause(t) does.
// Safe from any goroutine.
func (t *Task) Cause() error { return t.root.Cause() }

// With attaches the task to a context: the task has its values and its deadline, and is
// canceled when the context ends; before its first step if the context has already ended.
func With(ctx context.Context) TaskOption {
	return func(t *Task) {
		t.root.values = context.WithoutCancel(ctx)
		if when, ok := ctx.Deadline(); ok {
			t.root.deadline.Store(max(1, int64(when.Sub(t.loop.host.Epoch()))))
		}
		t.attach(ctx)
	}
}

// attach cancels the task when the context has ended.
func (t *Task) attach(ctx context.Context) {
	stop := t.loop.watchContext(ctx, func() {
		if t.phase != ended {
			c := canceledBy(ctx)
			c.scope = &t.root
			t.root.cancelOnce(c)
		}
	})
	if t.detach != nil {
		t.detach() // from the context of another With
	}
	t.detach = stop
}

// canceledBy returns the cancel that corresponds to the end of a context.
func canceledBy(ctx context.Context) *CanceledError {
	return &CanceledError{Cause: context.Cause(ctx), deadline: ctx.Err() == context.DeadlineExceeded}
}
