package corolla

import (
	"context"
)

// Attach runs body in a scope that ends with a context: body's waits are canceled when ctx is, or
// when its deadline passes. It returns what body returns: after the end of ctx usually a
// *CanceledError with the context's cause, or a *TimeoutError if it was a deadline. If ctx has
// already ended, body fails at its first wait. For a task that is being started, use With.
func (t *Task) Attach(ctx context.Context, body func(s *Scope) error) error {
	t.mustRun("Attach")
	deadline := never
	if when, ok := ctx.Deadline(); ok {
		deadline = max(when.Sub(t.loop.host.Epoch()), 0)
	}
	return t.within(new(Scope), deadline, func(s *Scope) error {
		detach := t.loop.watchContext(ctx, func() {
			if s.left {
				return
			}
			c := canceledBy(ctx)
			c.scope = s
			c.deadline = c.deadline && s.timer != nil // otherwise there is no telling how long it had
			s.cancelOnce(c)
		})
		defer detach()
		return body(s)
	})
}

// watchContext calls end, on the loop, when the context ends, or now if it has ended, unless stop was
// called before.
func (l *Loop) watchContext(ctx context.Context, end func()) (stop func()) {
	switch {
	case ctx.Err() != nil:
		end()
		return func() {}
	case ctx.Done() == nil:
		return func() {}
	}
	l.contexts++
	stopped := false
	forget := l.host.AfterFunc(ctx, func() {
		_ = l.Post(func() { // refused on a closed loop, which has ended its tasks
			if !stopped {
				end()
			}
		})
	})
	return func() {
		l.contexts--
		stopped = true
		forget()
	}
}
