package generators

import (
	"errors"
	"runtime"

	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/gen"
)

func callRunsNothing(r *scenario.Run) {
	s := start(r, func(y yield) (string, error) {
		r.Say("began")
		_, _ = y.Yield(1)
		r.Say("went on")
		_, _ = y.Yield(2)
		return "", nil
	})
	r.Say("called")
	s.next()
	v, err := s.g.Next() // send(None) and next are one here
	s.say("send None", v, err)
}

func sendToFresh(r *scenario.Run) {
	s := start(r, func(y yield) (string, error) {
		r.Say("began")
		v, _ := y.Yield(1)
		r.Say("received %d", v)
		return "", nil
	})
	s.send(7)
	s.next()
	s.send(8)
}

func sendValue(r *scenario.Run) {
	s := start(r, func(y yield) (string, error) {
		for total := 0; ; {
			v, err := y.Yield(total)
			if err != nil {
				return "", err
			}
			total += v.(int)
		}
	})
	s.next()
	s.send(5)
	s.send(6)
	s.send(-1)
	_ = s.g.Close()
}

func returnValue(r *scenario.Run) {
	s := start(r, func(y yield) (string, error) {
		_, err := y.Yield(1)
		return "result", err
	})
	s.next()
	s.next()
	s.next()
	s.send(1)
}

func throwCaught(r *scenario.Run) {
	s := start(r, func(y yield) (string, error) {
		for i := range 3 {
			if _, err := y.Yield(i); errors.Is(err, errBoom) {
				r.Say("caught Boom")
			} else {
				r.Say("resumed")
			}
		}
		return "", nil
	})
	s.next()
	s.throw("throw", errBoom)
	s.next()
	s.throw("throw", errBoom)
}

func throwFreshFinished(r *scenario.Run) {
	body := func(y yield) (string, error) {
		r.Say("began")
		_, err := y.Yield(1)
		return "", err
	}
	s := start(r, body)
	s.throw("throw fresh", errBoom)
	s.next()
	s = start(r, body)
	s.next()
	s.next()
	s.throw("throw finished", errBoom)
	s.next()
}

func closePropagates(r *scenario.Run) {
	for _, how := range []string{"return", "raise again", "fail"} {
		s := start(r, func(y yield) (string, error) {
			defer r.Say("%s: finally", how)
			_, err := y.Yield(1)
			if errors.Is(err, gen.ErrExit) {
				r.Say("%s: exit", how)
			}
			switch how {
			case "raise again":
				return "", err
			case "fail":
				return "", errBoom
			}
			return "", nil
		})
		s.next()
		s.close("close")
		s.next()
	}
}

func yieldDuringClose(r *scenario.Run) {
	s := start(r, func(y yield) (string, error) {
		for i := range 3 {
			if _, err := y.Yield(i); errors.Is(err, gen.ErrExit) {
				r.Say("ignored")
			}
		}
		return "", nil
	})
	s.next()
	s.close("close")
	s.next()
	s.next()
}

func closeFreshFinished(r *scenario.Run) {
	body := func(y yield) (string, error) {
		r.Say("began")
		_, err := y.Yield(1)
		return "", err
	}
	s := start(r, body)
	s.close("close fresh")
	s.next()
	s = start(r, body)
	s.next()
	s.next()
	s.close("close finished")
	s.close("close again")
}

func stopEscapes(r *scenario.Run) {
	s := start(r, func(y yield) (string, error) {
		for _, n := range []int{1, 0} {
			inner := gen.New(func(y yield) (string, error) {
				for range n {
					_, _ = y.Yield(5)
				}
				return "", nil
			})
			v, err := inner.Next()
			if err != nil {
				return "", err // the inner one's ErrStop escapes
			}
			_, _ = y.Yield(v)
			_ = inner.Close()
		}
		return "", nil
	})
	s.next()
	_, err := s.g.Next()
	var escaped *gen.EscapedError
	r.Say("failed, cause is a stop: %v", pythonBool(errors.As(err, &escaped) && errors.Is(escaped.Cause, gen.ErrStop)))
	s.next()
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func reenter(r *scenario.Run) {
	var s *steps
	s = start(r, func(y yield) (string, error) {
		v, err := s.g.Next()
		s.say("next from inside", v, err)
		_, _ = y.Yield(1)
		s.close("close from inside")
		s.throw("throw from inside", errBoom)
		_, _ = y.Yield(2)
		return "", nil
	})
	s.next()
	s.next()
	s.next()
}

func abandoned(r *scenario.Run) {
	closed := make(chan struct{})
	abandon(r, closed)
	for {
		runtime.GC()
		select {
		case <-closed:
			r.Say("finally")
			r.Say("collected")
			return
		default:
			runtime.Gosched()
		}
	}
}

// abandon leaves a generator behind that is suspended.
func abandon(r *scenario.Run, closed chan struct{}) {
	s := start(r, func(y yield) (string, error) {
		defer close(closed) // on a goroutine of the runtime's
		_, err := y.Yield(1)
		return "", err
	})
	s.next()
}
