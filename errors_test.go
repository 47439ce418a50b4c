package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"testing"
	"time"

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

func TestErrorJoinedWithTheLoopsEndIsNotLost(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		l.Go(func(t *corolla.Task) error { return errors.Join(t.Park("ever"), errBug) })
		l.Go(func(t *corolla.Task) error { return t.Park("ever") })
		l.Soon(l.Stop)
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if len(log.errs) != 1 || !errors.Is(log.errs[0], errBug) {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	})
}

func TestErrorBesidesATimeout(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Timeout(time.Millisecond, func(*corolla.Scope) error {
				return errors.Join(task.Sleep(time.Hour), errBug)
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) || !errors.Is(err, errBug) || errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Timeout = %v", err)
			}
			if !strings.Contains(err.Error(), "a bug") {
				t.Errorf("the text says nothing of the error: %v", err)
			}
			err = task.Timeout(time.Millisecond, func(*corolla.Scope) error { return task.Sleep(time.Hour) })
			if errors.Unwrap(err) != nil || errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Timeout = %v, which wraps %v", err, errors.Unwrap(err))
			}

			// A foreign cancel beside the scope's own.
			foreign := &corolla.CanceledError{Cause: errBug}
			for _, order := range []bool{true, false} {
				err = task.Timeout(time.Millisecond, func(*corolla.Scope) error {
					if own := task.Sleep(time.Hour); order {
						return fmt.Errorf("%w, %w", foreign, own)
					} else {
						return fmt.Errorf("%w, %w", own, foreign)
					}
				})
				if !errors.As(err, &timeout) || timeout.Unwrap() != error(foreign) || err != error(timeout) {
					t.Errorf("Timeout = %v", err)
				}
			}

			// Inside of a scope that is canceled too, its cancel is what counts, and nothing else is lost.
			outer := task.Timeout(time.Millisecond, func(*corolla.Scope) error {
				return task.Timeout(time.Millisecond, func(*corolla.Scope) error {
					return errors.Join(task.Sleep(time.Hour), errBug)
				})
			})
			if !errors.As(outer, &timeout) || !errors.Is(outer, errBug) {
				t.Errorf("the outer Timeout = %v", outer)
			}
			return nil
		})
	})
}

func TestTimeoutOfAChildIsNoCancel(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			err := task.Group(func(g *corolla.Group) error {
				g.Go(func(t *corolla.Task) error {
					return t.Timeout(time.Millisecond, func(*corolla.Scope) error { return t.Sleep(time.Hour) })
				})
				return nil
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) {
				t.Errorf("Group = %v", err)
			}
			return nil
		})
	})
}

func TestCrashLetsOutTheFirstOfTwoPanics(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		var log errorLog
		l := newLoop(corolla.ErrorPolicy(corolla.Crash), corolla.ErrorHandler(log.add), corolla.SlowLimit(0))
		defer l.Close()
		l.Soon(func() { panic("first") })
		l.Soon(func() { panic("second") })
		if text := panicText(t, func() { _ = l.RunForever() }); !strings.HasSuffix(text, "first") {
			t.Errorf("Run panicked with %q", text)
		}
		if len(log.errs) != 1 || !strings.HasSuffix(log.errs[0].Error(), "second") {
			t.Errorf("the handler got %v", log.errs)
		}
	})
}

func TestDefaultHandlerPrintsTheStackOfAPanic(t *testing.T) {
	var text strings.Builder
	log.SetOutput(&text)
	defer log.SetOutput(os.Stderr)
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		for name, panics := range map[string]func(l *corolla.Loop){
			"callback": func(l *corolla.Loop) { l.Soon(func() { panicHere() }) },
			"task":     func(l *corolla.Loop) { l.Go(func(*corolla.Task) error { panicHere(); return nil }) },
		} {
			text.Reset()
			l := newLoop(corolla.SlowLimit(0))
			panics(l)
			l.Stop()
			if err := l.RunForever(); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if got := text.String(); !strings.Contains(got, "oops") || !strings.Contains(got, "panicHere") {
				t.Errorf("%s: printed %q", name, got)
			}
		}
	})
}

//go:noinline
func panicHere() { panic("oops") }
