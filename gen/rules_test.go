package gen_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/gen"
)

var errBad = errors.New("bad")

type (
	yield     = gen.Yield[int, string]
	generator = gen.Generator[int, string, string]
)

// fixed returns a generator that yields some numbers and then returns "end"; it ends with
// what is thrown at it.
func fixed(numbers ...int) *generator {
	return gen.New(func(y *yield) (string, error) {
		for _, n := range numbers {
			if _, err := y.Yield(n); err != nil {
				return "", err
			}
		}
		return "end", nil
	})
}

// want checks what Next, Send or Throw returned.
func want(t *testing.T, what string, v int, err error, wantV int, wantErr error) {
	t.Helper()
	if v != wantV || err != wantErr {
		t.Errorf("%s = %d, %v; want %d, %v", what, v, err, wantV, wantErr)
	}
}

func next(t *testing.T, g *generator, wantV int, wantErr error) {
	t.Helper()
	v, err := g.Next()
	want(t, "Next", v, err, wantV, wantErr)
}

// rule is one of the rules of PEP 342, 380 and 479.
type rule struct {
	says string
	test func(t *testing.T)
}

func TestRules(t *testing.T) {
	for i, r := range slices.Concat(generatorRules, fromRules) {
		t.Run(fmt.Sprintf("%02d", i+1), func(t *testing.T) {
			t.Log(r.says)
			r.test(t)
		})
	}
}

var generatorRules = []rule{
	{"making one runs nothing; the first Next runs to the first Yield", func(t *testing.T) {
		ran := false
		g := gen.New(func(y *yield) (string, error) { ran = true; _, err := y.Yield(1); return "", err })
		if ran {
			t.Error("it ran before Next")
		}
		next(t, g, 1, nil)
		_ = g.Close()
	}},
	{"a value cannot be sent to a fresh generator", func(t *testing.T) {
		g := fixed(1)
		v, err := g.Send("x")
		want(t, "Send", v, err, 0, gen.ErrFresh)
		next(t, g, 1, nil)
		next(t, g, 0, gen.ErrStop)
	}},
	{"Send makes the pending Yield return the value; Next sends nothing", func(t *testing.T) {
		var got []string
		g := gen.New(func(y *yield) (string, error) {
			for i := range 3 {
				s, err := y.Yield(i)
				if err != nil {
					return "", err
				}
				got = append(got, s)
			}
			return "", nil
		})
		next(t, g, 0, nil)
		_, _ = g.Send("a")
		next(t, g, 2, nil)
		_, _ = g.Send("c")
		if !slices.Equal(got, []string{"a", "", "c"}) {
			t.Errorf("received %q", got)
		}
	}},
	{"what is returned is the value of the end; after that there is just the end", func(t *testing.T) {
		g := fixed()
		next(t, g, 0, gen.ErrStop)
		if g.Value() != "end" {
			t.Errorf("Value = %q", g.Value())
		}
		next(t, g, 0, gen.ErrStop)
		v, err := g.Send("x")
		want(t, "Send", v, err, 0, gen.ErrStop)
	}},
	{"Throw is returned by the Yield; if the body goes on, Throw returns what it yields next", func(t *testing.T) {
		g := gen.New(func(y *yield) (string, error) {
			if _, err := y.Yield(1); err != errBad {
				t.Errorf("Yield returned %v", err)
			}
			_, err := y.Yield(2)
			return "", err
		})
		next(t, g, 1, nil)
		v, err := g.Throw(errBad)
		want(t, "Throw", v, err, 2, nil)
		v, err = g.Throw(errBad)
		want(t, "Throw", v, err, 0, errBad)
	}},
	{"Throw ends a fresh generator without running it; at an ended one it returns its error", func(t *testing.T) {
		g := gen.New(func(*yield) (string, error) { t.Error("it ran"); return "", nil })
		v, err := g.Throw(errBad)
		want(t, "Throw", v, err, 0, errBad)
		next(t, g, 0, gen.ErrStop)
		v, err = g.Throw(errBad)
		want(t, "Throw", v, err, 0, errBad)
	}},
	{"Close throws ErrExit; that and a normal end are swallowed, other errors are returned", func(t *testing.T) {
		for _, c := range []struct{ returns, want error }{
			{gen.ErrExit, nil},
			{fmt.Errorf("cleanup: %w", gen.ErrExit), nil},
			{nil, nil},
			{errBad, errBad},
		} {
			g := gen.New(func(y *yield) (string, error) {
				if _, err := y.Yield(1); err != gen.ErrExit {
					t.Errorf("Yield returned %v", err)
				}
				return "", c.returns
			})
			next(t, g, 1, nil)
			if err := g.Close(); err != c.want {
				t.Errorf("Close of a body that returns %v = %v", c.returns, err)
			}
		}
	}},
	{"a generator that yields while it is closed ignores the close", func(t *testing.T) {
		g := gen.New(func(y *yield) (string, error) {
			_, _ = y.Yield(1)
			_, err := y.Yield(2)
			return "", err
		})
		next(t, g, 1, nil)
		if err := g.Close(); err != gen.ErrIgnored {
			t.Errorf("Close = %v", err)
		}
		if err := g.Close(); err != nil {
			t.Errorf("second Close = %v", err)
		}
	}},
	{"Close of a fresh or ended generator does nothing; Value has what was returned on ErrExit", func(t *testing.T) {
		g := gen.New(func(y *yield) (string, error) { _, _ = y.Yield(1); return "cleaned up", nil })
		fresh := fixed(1)
		if err := fresh.Close(); err != nil || fresh.Value() != "" {
			t.Errorf("Close of a fresh one: %v, %q", err, fresh.Value())
		}
		next(t, fresh, 0, gen.ErrStop)
		next(t, g, 1, nil)
		if err := errors.Join(g.Close(), g.Close()); err != nil || g.Value() != "cleaned up" {
			t.Errorf("Close: %v, Value %q", err, g.Value())
		}
	}},
	{"ErrStop that escapes a body is another error, with it as its cause", func(t *testing.T) {
		g := gen.New(func(*yield) (string, error) { return "", fmt.Errorf("inner: %w", gen.ErrStop) })
		_, err := g.Next()
		var escaped *gen.EscapedError
		if !errors.As(err, &escaped) || errors.Is(err, gen.ErrStop) || !errors.Is(escaped.Cause, gen.ErrStop) {
			t.Errorf("Next = %v", err)
		}
	}},
	{"a generator that is running cannot be asked again", func(t *testing.T) {
		var g *generator
		g = gen.New(func(y *yield) (string, error) {
			next(t, g, 0, gen.ErrRunning)
			v, err := g.Send("x")
			want(t, "Send", v, err, 0, gen.ErrRunning)
			v, err = g.Throw(errBad)
			want(t, "Throw", v, err, 0, gen.ErrRunning)
			if err := g.Close(); err != gen.ErrRunning {
				t.Errorf("Close = %v", err)
			}
			_, err = y.Yield(1)
			return "", err
		})
		next(t, g, 1, nil)
		_ = g.Close()
	}},
	{"an abandoned generator is closed", func(t *testing.T) {
		cleaned := make(chan error, 1)
		func() {
			g := gen.New(func(y *yield) (_ string, err error) {
				defer func() { cleaned <- err }()
				_, err = y.Yield(1)
				return "", err
			})
			next(t, g, 1, nil)
		}()
		for {
			runtime.GC()
			select {
			case err := <-cleaned:
				if err != gen.ErrExit {
					t.Errorf("Yield returned %v", err)
				}
				return
			default:
				runtime.Gosched()
			}
		}
	}},
}

func TestPanicInAGenerator(t *testing.T) {
	g := gen.New(func(*yield) (string, error) { panic("oops") })
	if _, err := g.Next(); err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("Next = %v", err)
	}
	next(t, g, 0, gen.ErrStop)
}
