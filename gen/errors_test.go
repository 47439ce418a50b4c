package gen_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
)

// ending returns a generator that waits in a Yield, and ends with what end returns when that
// returns.
func ending(end func(thrown error) error) *generator {
	return gen.New(func(y *yield) (string, error) {
		_, err := y.Yield(1)
		return "", end(err)
	})
}

// alongside are ends that say more than that the generator was closed.
var alongside = map[string]struct {
	end   func(thrown error) error
	panic bool
}{
	"joined":           {func(err error) error { return errors.Join(err, io.ErrShortWrite) }, false},
	"joined, wrapped":  {func(err error) error { return fmt.Errorf("cleanup: %w", errors.Join(io.ErrShortWrite, err)) }, false},
	"two in one error": {func(err error) error { return fmt.Errorf("%w while %w", io.ErrShortWrite, err) }, false},
	"a panic with it":  {func(err error) error { panic(err) }, true},
	"a panic that wraps it": {func(err error) error {
		panic(fmt.Errorf("bug: %w", err))
	}, true},
}

// told checks that err has what an end of alongside said.
func told(t *testing.T, what string, err error, panicked bool) {
	t.Helper()
	var p *corolla.PanicError
	if panicked && !errors.As(err, &p) || !panicked && !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestErrorBesideErrExitIsNotLost(t *testing.T) { // generators, rules 7 and 20
	for name, c := range alongside {
		g := ending(c.end)
		next(t, g, 1, nil)
		told(t, name+": Close", g.Close(), c.panic)

		for behind, outer := range map[string]*generator{
			"From": delegate(ending(c.end)),
			"FromSource": gen.New(func(y *yield) (string, error) {
				return "", gen.FromSource(y, ending(c.end))
			}),
		} {
			next(t, outer, 1, nil)
			told(t, name+": Close behind "+behind, outer.Close(), c.panic)
		}
	}
}

func TestErrorBesideErrExitIsNotLostOnTheLoop(t *testing.T) {
	for name, c := range alongside {
		t.Run(name, func(t *testing.T) {
			onLoops(t, func(t *testing.T, task *corolla.Task) {
				f := gen.Go(task.Loop(), func(y *co) (int, error) {
					_, err := y.Yield(gen.Done(corolla.NewFuture[int](task.Loop())))
					return 0, c.end(err)
				})
				begun(t, task)
				f.Cancel(nil)
				_, err := f.Await(task)
				told(t, "Await", err, c.panic)
				if f.Canceled() {
					t.Error("the future counts as canceled")
				}
			})
		})
	}
}

// TestThrowErrStopAtAFreshGenerator: nothing has returned. One that has ended just returns it.
func TestThrowErrStopAtAFreshGenerator(t *testing.T) {
	for _, thrown := range []error{gen.ErrStop, fmt.Errorf("wrapped: %w", gen.ErrStop)} {
		g := fixed(1)
		_, err := g.Throw(thrown)
		var escaped *gen.EscapedError
		if errors.Is(err, gen.ErrStop) || !errors.As(err, &escaped) {
			t.Errorf("Throw = %v", err)
		}
		v, err := g.Throw(thrown)
		want(t, "Throw", v, err, 0, thrown)
	}
}

func TestThrowOfNothingPanics(t *testing.T) {
	ended := fixed()
	next(t, ended, 0, gen.ErrStop)
	waiting := fixed(1)
	next(t, waiting, 1, nil)
	for name, g := range map[string]*generator{"fresh": fixed(1), "waiting": waiting, "ended": ended} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, "gen: Throw with a nil error: use Next") {
					t.Errorf("%s: panicked with %q", name, text)
				}
			}()
			_, _ = g.Throw(nil)
		}()
	}
	next(t, waiting, 0, gen.ErrStop) // it waits where it did
}

// TestEscapedErrorKeepsTheRest: it hides that the generator has ended, and nothing else.
func TestEscapedErrorKeepsTheRest(t *testing.T) {
	for name, body := range map[string]func(*yield) (string, error){
		"joined":     func(*yield) (string, error) { return "", errors.Join(gen.ErrStop, io.ErrShortWrite) },
		"a panic":    func(*yield) (string, error) { panic(errors.Join(gen.ErrStop, io.ErrShortWrite)) },
		"from inner": func(y *yield) (string, error) { return gen.From(y, escaping()) },
	} {
		_, err := gen.New(body).Next()
		var escaped *gen.EscapedError
		if errors.Is(err, gen.ErrStop) || !errors.As(err, &escaped) || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: Next = %v", name, err)
		}
		var p *corolla.PanicError
		if errors.As(err, &p) != (name == "a panic") {
			t.Errorf("%s: Next = %v", name, err)
		}
	}
	canceled := errors.Join(gen.ErrStop, context.Canceled)
	_, err := gen.New(func(*yield) (string, error) { return "", canceled }).Next()
	if !errors.Is(err, context.Canceled) || corolla.IsOnly(err, context.Canceled) {
		t.Errorf("it is taken for a cancel: %v", err)
	}
}

func escaping() *generator {
	return gen.New(func(*yield) (string, error) { return "", errors.Join(io.ErrShortWrite, gen.ErrStop) })
}

// TestPanicSaysWhoseItWas: a program has many generators.
func TestPanicSaysWhoseItWas(t *testing.T) {
	_, err := gen.New(panics).Next()
	var p *corolla.PanicError
	if !errors.As(err, &p) || !strings.Contains(p.Where, "gen_test.panics") || !strings.Contains(string(p.Stack), "gen_test.panics") {
		t.Errorf("Next = %v", err)
	}
}

func panics(*yield) (string, error) { panic("oops") }
