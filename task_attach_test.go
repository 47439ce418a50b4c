package corolla_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// attached waits, attached to a context, until that ends, and returns what Attach does.
func attached(task *corolla.Task, ctx context.Context) error {
	return task.Attach(ctx, func(*corolla.Scope) error { return task.Park("the end of a context") })
}

func TestAttachEndsWithItsContext(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			bad := errors.New("bad")
			ctx, cancel := context.WithCancelCause(context.Background())
			l.Soon(func() { cancel(bad) })
			if err := attached(task, ctx); !errors.Is(err, corolla.ErrCanceled) || !errors.Is(err, bad) {
				t.Errorf("Attach = %v", err)
			}
			if err := attached(task, ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Attach to what has ended = %v", err)
			}
			return task.Yield() // the task itself is not canceled
		})
	})
}

func TestAttachHasTheContextsDeadline(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ctx := deadlineOnly{context.Background(), l.Time().Add(time.Millisecond)}
			if err := attached(task, ctx); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Attach = %v", err)
			}
			return task.Yield()
		})
	})
}

// deadlineOnly is a context of which only the deadline is known.
type deadlineOnly struct {
	context.Context
	when time.Time
}

func (d deadlineOnly) Deadline() (time.Time, bool) { return d.when, true }

// A context that has ended by a deadline, and never said that it had one.
type expired struct{ context.Context }

func (expired) Err() error { return context.DeadlineExceeded }

func TestAttachToWhatHasExpired(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			if err := attached(task, expired{context.Background()}); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Attach = %v", err)
			}
			return task.Yield()
		})
	})
}

func TestAttachLeavesNothingBehind(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		run(t, l, func(task *corolla.Task) error {
			before := l.Stats()
			if err := task.Attach(ctx, func(*corolla.Scope) error { return nil }); err != nil {
				return err
			}
			if after := l.Stats(); after != before {
				t.Errorf("the loop holds %+v, before %+v", after, before)
			}
			cancel()
			return task.Yield()
		})
	})
}
