package gen_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
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

// TestErrorOfLeavingSeqPanics: nobody else could see it.
func TestErrorOfLeavingSeqPanics(t *testing.T) {
	defer func() {
		if v := recover(); v != errBad {
			t.Errorf("recovered %v", v)
		}
	}()
	for range ending(func(error) error { return errBad }).Seq() {
		break
	}
}

// TestErrorOfLeavingAllIsPrinted: nobody else could see it. Nothing is printed where there is none.
func TestErrorOfLeavingAllIsPrinted(t *testing.T) {
	var text strings.Builder
	log.SetOutput(&text)
	defer log.SetOutput(os.Stderr)
	for range ending(func(err error) error { return err }).All() {
		break
	}
	for range fixed(1, 2).All() {
	}
	if text.Len() > 0 {
		t.Errorf("printed %q", text.String())
	}
	for range ending(func(error) error { return errBad }).All() {
		break
	}
	if !strings.Contains(text.String(), "ending.func") || !strings.Contains(text.String(), errBad.Error()) {
		t.Errorf("printed %q", text.String())
	}
}

func TestThrowErrExitClosesInnerFirst(t *testing.T) { // rule 19
	var order []string
	for _, thrown := range []error{gen.ErrExit, fmt.Errorf("closing: %w", gen.ErrExit)} {
		order = nil
		g := gen.New(func(y *yield) (string, error) {
			_, err := gen.From(y, gen.New(func(y *yield) (string, error) {
				_, err := y.Yield(1)
				order = append(order, fmt.Sprint("inner ", err == gen.ErrExit))
				return "swallowed", nil
			}))
			order = append(order, fmt.Sprint("outer ", err == thrown))
			_, err = y.Yield(2) // unlike Close, Throw lets it go on
			return "", err
		})
		next(t, g, 1, nil)
		v, err := g.Throw(thrown)
		want(t, "Throw", v, err, 2, nil)
		if !slices.Equal(order, []string{"inner true", "outer true"}) {
			t.Errorf("Throw(%v): %q", thrown, order)
		}
		_ = g.Close()
	}
}

func TestThrowErrExitAtASourceThatCannotBeClosed(t *testing.T) { // the delegator gets it
	g := gen.New(func(y *yield) (string, error) { return "", gen.FromSource(y, counter(0)) })
	next(t, g, 0, nil)
	v, err := g.Throw(gen.ErrExit)
	want(t, "Throw", v, err, 0, gen.ErrExit)
}

// TestThrowOfMoreThanErrExitReachesInner: it is an error like any other.
func TestThrowOfMoreThanErrExitReachesInner(t *testing.T) {
	thrown := errors.Join(gen.ErrExit, errBad)
	var got error
	g := delegate(ending(func(err error) error { got = err; return nil }))
	next(t, g, 1, nil)
	if _, err := g.Throw(thrown); err != gen.ErrStop || got != thrown {
		t.Errorf("Throw = %v; inner got %v", err, got)
	}
}

func TestThrowErrStopThroughAPlainSource(t *testing.T) { // it is not the source's end
	g := gen.New(func(y *yield) (string, error) { return "", gen.FromSource(y, counter(0)) })
	next(t, g, 0, nil)
	_, err := g.Throw(gen.ErrStop)
	var escaped *gen.EscapedError
	if !errors.As(err, &escaped) || escaped.Cause != gen.ErrStop {
		t.Errorf("Throw = %v", err)
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

// exhausted is a source whose end is an error of its own.
type exhausted struct{ err error }

func (e exhausted) Next() (int, error) { return 0, e.err }

func TestEndOfASourceMayBeWrapped(t *testing.T) {
	for _, c := range []struct {
		end  error
		want error
	}{
		{fmt.Errorf("no more lines: %w", gen.ErrStop), nil},
		{errors.Join(gen.ErrStop, errBad), errBad}, // which is no mere end
	} {
		g := gen.New(func(y *yield) (string, error) {
			if err := gen.FromSource(y, exhausted{c.end}); !errors.Is(err, c.want) {
				t.Errorf("FromSource of one that ends with %v = %v", c.end, err)
			}
			return "", nil
		})
		next(t, g, 0, gen.ErrStop)
	}
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
