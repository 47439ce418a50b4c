package corolla

import (
	"context"
	"sync"
	"time"
)

// scopeContext is the context.Context side of a scope. Other goroutines may use
// it, so it has its own lock and its own copy of what it needs to know; nothing of
// it is made before somebody asks.
//
// The work is done by a context of the standard library. That way a child costs no
// goroutine, causes are passed on, and every rule is the library's.
type scopeContext struct {
	values context.Context // set before anybody can ask; never ends

	mu     sync.Mutex
	ended  *CanceledError
	inner  context.Context
	cancel context.CancelCauseFunc
	expire trigger
}

// get returns the standard context, which is made the first time.
func (c *scopeContext) get() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		values := c.values
		if values == nil {
			values = context.Background()
		}
		c.expire.Context = values
		c.inner, c.cancel = context.WithCancelCause(&c.expire)
		if c.ended != nil {
			c.finish()
		}
	}
	return c.inner
}

// end cancels the context, unless it was canceled before.
func (c *scopeContext) end(err *CanceledError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = err
		if c.inner != nil {
			c.finish()
		}
	}
}

func (c *scopeContext) finish() {
	if c.ended.deadline {
		c.expire.fire()
	} else {
		c.cancel(c.ended.Cause)
	}
}

func (c *scopeContext) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		return nil
	}
	return c.ended.contextError()
}

func (c *scopeContext) value(key any) any {
	c.mu.Lock()
	from := c.inner
	c.mu.Unlock()
	if from == nil {
		from = c.values
	}
	if from == nil {
		return nil
	}
	return from.Value(key)
}

// trigger is the parent of a scope's standard context. It exists so that a
// deadline of the loop's clock ends it with context.DeadlineExceeded, which the
// library's own contexts do for their own timers only.
type trigger struct {
	context.Context
	fired bool
	child func() // ends the standard context
}

// never is closed by nobody: the library asks for a channel before it asks for
// AfterFunc, and then uses that.
var never = make(chan struct{})

func (t *trigger) Done() <-chan struct{} { return never }

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

// Deadline returns the nearest deadline of the scope and those around it, as far
// as the innermost shielded one. Safe from any goroutine.
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
func (s *Scope) Done() <-chan struct{} { return s.context.get().Done() }

// Err returns nil, context.Canceled or context.DeadlineExceeded. Safe from any
// goroutine.
func (s *Scope) Err() error { return s.context.err() }

// Value returns the value of a key in the context that the task was started with.
// Safe from any goroutine.
func (s *Scope) Value(key any) any { return s.context.value(key) }

// AfterFunc arranges that f is called on a goroutine of its own when the scope is
// canceled or left, as context.AfterFunc does. Safe from any goroutine.
func (s *Scope) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(s.context.get(), f)
}

// Cause returns why the scope is canceled, or nil if it is not. Safe from any
// goroutine.
func (s *Scope) Cause() error {
	if s.Err() == nil {
		return nil
	}
	return context.Cause(s.context.get())
}

// Deadline returns the nearest deadline of the scopes that the task is in. Safe from
// any goroutine.
func (t *Task) Deadline() (time.Time, bool) { return t.scope.Load().Deadline() }

// Done returns a channel that is closed when the task's current scope is canceled
// or left, and so at the latest when the task ends. Safe from any goroutine.
func (t *Task) Done() <-chan struct{} { return t.scope.Load().Done() }

// Err returns nil, or why the task's current scope is canceled: context.Canceled
// or context.DeadlineExceeded. Safe from any goroutine.
func (t *Task) Err() error { return t.scope.Load().Err() }

// Value returns the value of a key in the context that the task was started with.
// Safe from any goroutine.
func (t *Task) Value(key any) any { return t.scope.Load().Value(key) }

// AfterFunc arranges that f is called on a goroutine of its own when the task's
// current scope is canceled or left. Safe from any goroutine.
func (t *Task) AfterFunc(f func()) (stop func() bool) { return t.scope.Load().AfterFunc(f) }

// Cause returns why the task's current scope is canceled, or nil if it is not, as
// context.Cause(t) does. Safe from any goroutine.
func (t *Task) Cause() error { return t.scope.Load().Cause() }

// With attaches the task to a context: the task has its values, and is canceled
// when the context ends.
func With(ctx context.Context) TaskOption {
	return func(t *Task, _ *start) {
		t.root.context.values = context.WithoutCancel(ctx)
		if ctx.Done() == nil {
			return
		}
		t.detach = context.AfterFunc(ctx, func() {
			_ = t.loop.Post(func() { t.Cancel(context.Cause(ctx)) }) // a closed loop has ended the task
		})
	}
}
