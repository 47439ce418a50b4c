package gen_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/gen"
)

// delegate returns a generator that does nothing but hand over to inner.
func delegate(inner *generator) *generator {
	return gen.New(func(y *yield) (string, error) { return gen.From(y, inner) })
}

// counting is a source that can only count.
type counting int

func (c *counting) Next() (int, error) {
	*c++
	return int(*c) - 1, nil
}

func counter(from int) *counting { return (*counting)(&from) }

var fromRules = []rule{
	{"From: what inner yields goes straight to the caller; an empty one yields nothing", func(t *testing.T) {
		g := delegate(fixed(1, 2))
		next(t, g, 1, nil)
		next(t, g, 2, nil)
		next(t, g, 0, gen.ErrStop)
		empty := gen.New(func(y *yield) (string, error) {
			return "after nothing", gen.FromSource(y, gen.Of(slices.Values([]int(nil))))
		})
		next(t, empty, 0, gen.ErrStop)
		if empty.Value() != "after nothing" {
			t.Errorf("Value = %q", empty.Value())
		}
	}},
	{"From: Next is inner's Next, Send inner's Send; a source without one is an error in the delegator", func(t *testing.T) {
		var got []string
		g := delegate(gen.New(func(y *yield) (string, error) {
			for i := range 2 {
				s, err := y.Yield(i)
				if err != nil {
					return "", err
				}
				got = append(got, s)
			}
			return "", nil
		}))
		next(t, g, 0, nil)
		next(t, g, 1, nil)
		_, _ = g.Send("b")
		if !slices.Equal(got, []string{"", "b"}) {
			t.Errorf("inner received %q", got)
		}
		g = gen.New(func(y *yield) (string, error) {
			if err := gen.FromSource(y, counter(3)); err != gen.ErrNoSend {
				t.Errorf("FromSource = %v", err)
			}
			return "went on", nil
		})
		next(t, g, 3, nil)
		next(t, g, 4, nil)
		v, err := g.Send("x")
		want(t, "Send", v, err, 0, gen.ErrStop)
		if g.Value() != "went on" {
			t.Errorf("Value = %q", g.Value())
		}
	}},
	{"From returns what inner returned", func(t *testing.T) {
		g := gen.New(func(y *yield) (string, error) {
			s, err := gen.From(y, fixed(1))
			return "inner: " + s, err
		})
		next(t, g, 1, nil)
		next(t, g, 0, gen.ErrStop)
		if g.Value() != "inner: end" {
			t.Errorf("Value = %q", g.Value())
		}
	}},
	{"From: Throw is inner's Throw; a source without one leaves it to the delegator", func(t *testing.T) {
		g := delegate(gen.New(func(y *yield) (string, error) {
			if _, err := y.Yield(1); err != errBad {
				t.Errorf("inner got %v", err)
			}
			_, err := y.Yield(2)
			return "", err
		}))
		next(t, g, 1, nil)
		v, err := g.Throw(errBad)
		want(t, "Throw", v, err, 2, nil)
		_ = g.Close()
		g = gen.New(func(y *yield) (string, error) { return "", gen.FromSource(y, counter(0)) })
		next(t, g, 0, nil)
		v, err = g.Throw(errBad)
		want(t, "Throw", v, err, 0, errBad)
	}},
	{"inner that returns when thrown at resumes the delegator with its value", func(t *testing.T) {
		g := gen.New(func(y *yield) (string, error) {
			s, err := gen.From(y, gen.New(func(y *yield) (string, error) { _, _ = y.Yield(1); return "saved", nil }))
			if err != nil {
				return "", err
			}
			_, err = y.Yield(len(s))
			return "", err
		})
		next(t, g, 1, nil)
		v, err := g.Throw(errBad)
		want(t, "Throw", v, err, len("saved"), nil)
		_ = g.Close()
	}},
	{"inner's errors are returned by From and can be handled there", func(t *testing.T) {
		g := gen.New(func(y *yield) (string, error) {
			_, err := gen.From(y, gen.New(func(y *yield) (string, error) { return "", errBad }))
			if err != errBad {
				t.Errorf("From = %v", err)
			}
			return "handled", nil
		})
		next(t, g, 0, gen.ErrStop)
		if g.Value() != "handled" {
			t.Errorf("Value = %q", g.Value())
		}
	}},
	{"Close closes inner first, and then the delegator, even if inner swallowed it", func(t *testing.T) {
		var order []string
		g := gen.New(func(y *yield) (string, error) {
			_, err := gen.From(y, gen.New(func(y *yield) (string, error) {
				_, err := y.Yield(1)
				order = append(order, fmt.Sprint("inner ", err == gen.ErrExit))
				return "swallowed", nil
			}))
			order = append(order, fmt.Sprint("outer ", err == gen.ErrExit))
			return "", err
		})
		next(t, g, 1, nil)
		if err := g.Close(); err != nil || !slices.Equal(order, []string{"inner true", "outer true"}) {
			t.Errorf("Close = %v, %q", err, order)
		}
	}},
	{"inner that yields when closed: ErrIgnored; that fails when closed: its error", func(t *testing.T) {
		for _, c := range []struct {
			inner func(y *yield) (string, error)
			want  error
		}{
			{func(y *yield) (string, error) {
				_, _ = y.Yield(1)
				_, err := y.Yield(2)
				return "", err
			}, gen.ErrIgnored},
			{func(y *yield) (string, error) { _, _ = y.Yield(1); return "", errBad }, errBad},
		} {
			inner := gen.New(c.inner)
			g := delegate(inner)
			next(t, g, 1, nil)
			if err := g.Close(); err != c.want {
				t.Errorf("Close = %v, want %v", err, c.want)
			}
			_ = inner.Close()
		}
	}},
	{"a delegator counts as running: a way back into it is refused", func(t *testing.T) {
		var outer *generator
		outer = delegate(gen.New(func(y *yield) (string, error) {
			next(t, outer, 0, gen.ErrRunning)
			_, err := y.Yield(1)
			return "", err
		}))
		next(t, outer, 1, nil)
		_ = outer.Close()
	}},
}

func TestSequences(t *testing.T) {
	var got []int
	for v := range fixed(1, 2, 3).Seq() {
		if got = append(got, v); v == 2 {
			break
		}
	}
	if !slices.Equal(got, []int{1, 2}) {
		t.Errorf("Seq gave %v", got)
	}
	g := gen.New(func(y *yield) (string, error) {
		if _, err := y.Yield(1); err != nil {
			return "", err
		}
		return "", errBad
	})
	var said []string
	for v, err := range g.All() {
		said = append(said, fmt.Sprint(v, err))
	}
	if strings.Join(said, ", ") != "1 <nil>, 0 bad" {
		t.Errorf("All gave %q", said)
	}
	pairs := gen.Of2(slices.All([]string{"a", "b"}))
	p, _ := pairs.Next()
	q, err := pairs.Next()
	if p != (gen.Pair[int, string]{Key: 0, Value: "a"}) || q.Value != "b" || err != nil {
		t.Errorf("Of2 gave %v, %v, %v", p, q, err)
	}
	if _, err := pairs.Next(); err != gen.ErrStop {
		t.Errorf("after the end: %v", err)
	}
	func() {
		defer func() {
			if recover() != errBad {
				t.Error("Seq did not panic with the generator's error")
			}
		}()
		for range gen.New(func(*yield) (string, error) { return "", errBad }).Seq() {
		}
	}()
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
