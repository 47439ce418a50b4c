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

// TestRules is the rules of PEP 342, 380 and 479.
func TestRules(t *testing.T) {
	for i, rule := range []struct {
		says string
		test func(t *testing.T)
	}{
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
	} {
		t.Run(fmt.Sprintf("%02d", i+1), func(t *testing.T) {
			t.Log(rule.says)
			rule.test(t)
		})
	}
}

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

func TestPanicInAGenerator(t *testing.T) {
	g := gen.New(func(*yield) (string, error) { panic("oops") })
	if _, err := g.Next(); err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("Next = %v", err)
	}
	next(t, g, 0, gen.ErrStop)
}
