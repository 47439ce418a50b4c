package corolla_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

func TestFutureSettledOnce(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		f := corolla.NewFuture[int](l)
		if _, err := f.Result(); err != corolla.ErrPending {
			t.Errorf("Result of a pending future: %v", err)
		}
		if err := f.Resolve(1); err != nil {
			t.Error(err)
		}
		if err := f.Resolve(2); err != corolla.ErrSettled {
			t.Errorf("second Resolve: %v", err)
		}
		if err := f.Fail(errors.New("x")); err != corolla.ErrSettled {
			t.Errorf("Fail after Resolve: %v", err)
		}
		if v, err := f.Result(); v != 1 || err != nil {
			t.Errorf("Result = %d, %v", v, err)
		}
		if text := panicText(t, func() { _ = f.Fail(nil) }); !strings.Contains(text, "use Resolve") {
			t.Errorf("Fail(nil) panicked with %q", text)
		}
	})
}

func TestPanicInOnCancelDoesNotKeepOthersFromTheCancel(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := corolla.NewFuture[int](l)
			f.OnCancel(func(error) { panic("bug") })
			err := task.Timeout(ms, func(*corolla.Scope) error {
				return task.Group(func(g *corolla.Group) error {
					g.Go(func(task *corolla.Task) error { _, err := f.Await(task); _ = err; return nil })
					g.Go(forever)
					return nil
				})
			})
			var p *corolla.PanicError
			if !errors.Is(err, os.ErrDeadlineExceeded) || len(log.errs) != 1 || !errors.As(log.errs[0], &p) || p.Value != "bug" {
				t.Errorf("Timeout = %v; the handler got %v", err, log.errs)
			}
			if _, err := f.Result(); !errors.As(err, &p) {
				t.Errorf("a future whose OnCancel panicked: %v", err)
			}
			log.errs = nil
			return nil
		})
	})
}
