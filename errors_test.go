package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/corolla-go/corolla"
)

var errBug = errors.New("a bug")

func TestIsOnly(t *testing.T) {
	canceled := &corolla.CanceledError{Cause: errBug}
	for _, c := range []struct {
		err     error
		targets []error
		want    bool
	}{
		{nil, []error{io.EOF}, false},
		{io.EOF, nil, false},
		{io.EOF, []error{io.EOF}, true},
		{io.EOF, []error{errBug, io.EOF}, true},
		{fmt.Errorf("read: %w", io.EOF), []error{io.EOF}, true},
		{errors.Join(io.EOF, io.EOF), []error{io.EOF}, true},
		{errors.Join(io.EOF, errBug), []error{io.EOF}, false},
		{errors.Join(errBug, io.EOF), []error{io.EOF}, false},
		{errors.Join(io.EOF, errBug), []error{io.EOF, errBug}, true},
		{fmt.Errorf("%w and %w", io.EOF, fmt.Errorf("x: %w", errors.Join(io.EOF, errBug))), []error{io.EOF}, false},
		{canceled, []error{corolla.ErrCanceled}, true}, // its cause is no error of its own
		{canceled, []error{context.Canceled}, true},
		{canceled, []error{io.EOF}, false},
		{fmt.Errorf("x: %w", canceled), []error{corolla.ErrCanceled}, true},
		{errors.Join(canceled, errBug), []error{corolla.ErrCanceled}, false},
		{&corolla.PanicError{Value: canceled}, []error{corolla.ErrCanceled}, false},
		{&corolla.PanicError{Value: io.EOF}, []error{io.EOF}, false},
		{fmt.Errorf("x: %w", &corolla.PanicError{Value: io.EOF}), []error{io.EOF}, false},
		{&corolla.TimeoutError{Err: canceled}, []error{corolla.ErrCanceled}, false},
		{&corolla.TimeoutError{Err: canceled}, []error{os.ErrDeadlineExceeded}, true},
	} {
		if got := corolla.IsOnly(c.err, c.targets...); got != c.want {
			t.Errorf("IsOnly(%v (%T), %v) = %v", c.err, c.err, c.targets, got)
		}
	}
}

func TestPanicThatCarriesACancelIsAPanic(t *testing.T) {
	for _, v := range []error{context.Canceled, corolla.ErrCanceled, &corolla.CanceledError{}, corolla.ErrLoopClosed} {
		eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
			run(t, l, func(task *corolla.Task) error {
				err := task.Group(func(g *corolla.Group) error {
					g.Go(func(*corolla.Task) error { panic(fmt.Errorf("bug: %w", v)) })
					return nil
				})
				var p *corolla.PanicError
				if !errors.As(err, &p) {
					t.Errorf("Group = %v for a panic with %v", err, v)
				}
				l.Go(func(*corolla.Task) error { panic(v) })
				return task.Yield()
			})
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			var p *corolla.PanicError
			if len(log.errs) != 1 || !errors.As(log.errs[0], &p) || p.Value != any(v) {
				t.Errorf("a task that panicked with %v: the handler got %v", v, log.errs)
			}
			log.errs = nil
		})
	}
}
