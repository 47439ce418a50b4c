package generators

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/gen"
)

// What the scenarios are made of: generators of numbers, which are sent numbers or nothing, and return
// a word.
type (
	yield     = *gen.Yield[int, any]
	generator = *gen.Generator[int, any, string]
)

var errBoom = errors.New("Boom")

// python is the name that Python has for an error.
func python(err error) string {
	var escaped *gen.EscapedError
	switch {
	case err == nil:
		return "None"
	case errors.Is(err, gen.ErrIgnored), errors.As(err, &escaped):
		return "RuntimeError"
	case errors.Is(err, gen.ErrFresh):
		return "TypeError"
	case errors.Is(err, gen.ErrRunning):
		return "ValueError"
	case errors.Is(err, gen.ErrNoSend):
		return "AttributeError"
	case errors.Is(err, gen.ErrExit):
		return "GeneratorExit"
	}
	return err.Error()
}

// steps says what each step of a generator gives. Its result, which Value keeps, is said once, as
// Python says it.
type steps struct {
	r      *scenario.Run
	g      generator
	result bool
}

func start(r *scenario.Run, body func(y yield) (string, error)) *steps {
	return &steps{r: r, g: gen.New(body)}
}

func (s *steps) say(label string, v int, err error) {
	switch {
	case err == nil:
		s.r.Say("%s: %d", label, v)
	case !errors.Is(err, gen.ErrStop):
		s.r.Say("%s: %s", label, python(err))
	case s.result || s.g.Value() == "":
		s.r.Say("%s: stop", label)
	default:
		s.result = true
		s.r.Say("%s: stop %s", label, s.g.Value())
	}
}

func (s *steps) next() {
	v, err := s.g.Next()
	s.say("next", v, err)
}

func (s *steps) send(v int) {
	got, err := s.g.Send(v)
	s.say(fmt.Sprintf("send %d", v), got, err)
}

func (s *steps) throw(label string, err error) {
	v, err := s.g.Throw(err)
	s.say(label, v, err)
}

func (s *steps) close(label string) { s.r.Say("%s: %s", label, python(s.g.Close())) }
