package generators

import (
	"errors"
	"slices"

	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/gen"
)

// numbers is a source that takes neither values nor errors.
func numbers(v ...int) gen.Source[int] { return gen.Of(slices.Values(v)) }

func fromValues(r *scenario.Run) {
	inner := func(n int) generator {
		return gen.New(func(y yield) (string, error) {
			for i := range n {
				_, _ = y.Yield(i)
			}
			return "None", nil
		})
	}
	s := start(r, func(y yield) (string, error) {
		_, _ = gen.From(y, inner(2))
		r.Say("between")
		v, _ := gen.From(y, inner(0))
		r.Say("empty gives %s", v)
		_, _ = gen.From(y, inner(1))
		return "", nil
	})
	for range 4 {
		s.next()
	}
}

func fromSend(r *scenario.Run) {
	inner := gen.New(func(y yield) (string, error) {
		for {
			v, _ := y.Yield(0)
			if v == nil {
				r.Say("inner received None")
			} else {
				r.Say("inner received %d", v)
			}
			if v == 3 {
				return "", nil
			}
		}
	})
	s := start(r, func(y yield) (string, error) {
		_, _ = gen.From(y, inner)
		if err := gen.FromSource(y, numbers(1, 2, 3)); errors.Is(err, gen.ErrNoSend) {
			r.Say("outer: %s", python(err))
		}
		_, err := y.Yield(9)
		return "", err
	})
	s.next()
	s.send(2)
	s.next()
	s.send(3)
	s.next()
	s.send(4)
	_ = s.g.Close()
}

func fromValue(r *scenario.Run) {
	innermost := gen.New(func(y yield) (string, error) {
		_, err := y.Yield(1)
		return "core", err
	})
	inner := gen.New(func(y yield) (string, error) {
		v, err := gen.From(y, innermost)
		return "<" + v + ">", err
	})
	s := start(r, func(y yield) (string, error) {
		v, err := gen.From(y, inner)
		r.Say("outer got %s", v)
		return "end", err
	})
	s.next()
	s.next()
}

func fromThrow(r *scenario.Run) {
	inner := gen.New(func(y yield) (string, error) {
		if _, err := y.Yield(1); errors.Is(err, errBoom) {
			r.Say("inner caught Boom")
		}
		_, err := y.Yield(2)
		return "", err
	})
	s := start(r, func(y yield) (string, error) {
		_, _ = gen.From(y, inner)
		if err := gen.FromSource(y, numbers(3, 4)); errors.Is(err, errBoom) {
			r.Say("outer caught Boom")
		}
		_, err := y.Yield(5)
		return "", err
	})
	s.next()
	s.throw("throw", errBoom)
	s.next()
	s.throw("throw", errBoom)
	_ = s.g.Close()
}

func fromReturnOnThrow(r *scenario.Run) {
	inner := gen.New(func(y yield) (string, error) {
		if _, err := y.Yield(1); !errors.Is(err, errBoom) {
			return "", err
		}
		return "consoled", nil
	})
	s := start(r, func(y yield) (string, error) {
		v, _ := gen.From(y, inner)
		r.Say("outer got %s", v)
		_, err := y.Yield(2)
		return "", err
	})
	s.next()
	s.throw("throw", errBoom)
	s.next()
}

func fromError(r *scenario.Run) {
	inner := func() generator {
		return gen.New(func(y yield) (string, error) {
			_, _ = y.Yield(1)
			return "", errBoom
		})
	}
	s := start(r, func(y yield) (string, error) {
		if _, err := gen.From(y, inner()); errors.Is(err, errBoom) {
			r.Say("outer caught Boom")
		}
		_, _ = y.Yield(2)
		return gen.From(y, inner())
	})
	for range 4 {
		s.next()
	}
	s.next()
}

func fromClose(r *scenario.Run) {
	outer := func(swallow bool) *steps {
		inner := gen.New(func(y yield) (string, error) {
			defer r.Say("inner: finally")
			_, err := y.Yield(1)
			if errors.Is(err, gen.ErrExit) {
				r.Say("inner: exit")
			}
			if swallow {
				err = nil
			}
			return "", err
		})
		return start(r, func(y yield) (string, error) {
			defer r.Say("outer: finally")
			_, err := gen.From(y, inner)
			if errors.Is(err, gen.ErrExit) {
				r.Say("outer: exit")
			} else {
				r.Say("outer went on")
			}
			return "", err
		})
	}
	for _, swallow := range []bool{false, true} {
		s := outer(swallow)
		s.next()
		s.close("close")
	}
	s := outer(true)
	s.next()
	s.throw("throw exit", gen.ErrExit)
}

func fromCloseRefused(r *scenario.Run) {
	for _, fail := range []bool{false, true} {
		inner := gen.New(func(y yield) (string, error) {
			if _, err := y.Yield(1); errors.Is(err, gen.ErrExit) && fail {
				return "", errBoom
			}
			_, err := y.Yield(2)
			return "", err
		})
		s := start(r, func(y yield) (string, error) {
			_, err := gen.From(y, inner)
			if errors.Is(err, gen.ErrExit) {
				r.Say("outer: exit")
			} else {
				r.Say("outer: %s", python(err))
			}
			return "", err
		})
		s.next()
		s.close("close")
		s.next()
		_ = inner.Close()
	}
}

func fromRunning(r *scenario.Run) {
	var s *steps
	inner := gen.New(func(y yield) (string, error) {
		v, err := s.g.Next()
		s.say("outer from inside", v, err)
		_, _ = y.Yield(1)
		if _, err := gen.From(y, s.g); errors.Is(err, gen.ErrRunning) {
			r.Say("inner: %s", python(err))
		}
		_, _ = y.Yield(2)
		return "", nil
	})
	s = start(r, func(y yield) (string, error) { return gen.From(y, inner) })
	s.next()
	s.next()
	s.next()
}
