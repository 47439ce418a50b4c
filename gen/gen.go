// Package gen has Python's generators: functions that give back a value, wait until
// they are asked for the next, and go on where they were (PEP 342), and that can hand
// this over to another generator (PEP 380).
//
//	g := gen.New(func(y *gen.Yield[int, struct{}]) (string, error) {
//		for i := range 3 {
//			if _, err := y.Yield(i); err != nil {
//				return "", err
//			}
//		}
//		return "done", nil
//	})
//	v, err := g.Next() // 0, nil
//
// A generator needs no loop. On one, a generator that yields what it waits for is a
// coroutine: see Go.
package gen

import (
	"errors"
	"fmt"
	"iter"
	"runtime/debug"

	"github.com/corolla-go/corolla"
)

var (
	// ErrStop is returned by Next and Send when the generator has returned; Value
	// then gives what it returned. (Python's StopIteration.)
	ErrStop = errors.New("gen: the generator has returned")

	// ErrExit is what a Yield returns in a generator that is being closed. (Python's
	// GeneratorExit.)
	ErrExit = errors.New("gen: the generator is being closed")

	// ErrRunning is returned to a generator that asks itself for a value.
	ErrRunning = errors.New("gen: the generator is running")

	// ErrFresh is returned by Send with a value to a generator that has not begun:
	// no Yield is there to receive it.
	ErrFresh = errors.New("gen: the generator has not begun, so nothing receives the value sent; use Next")

	// ErrIgnored is returned by Close when the generator yields instead of ending.
	ErrIgnored = errors.New("gen: the generator ignored that it is being closed")
)

// Generator yields values of type Y, is sent values of type S, and returns an R.
type Generator[Y, S, R any] struct {
	body    func(*Yield[Y, S]) (R, error)
	next    func() (Y, bool)
	stop    func()
	y       Yield[Y, S]
	state   state
	result  R
	failure error
}

type state uint8

const (
	fresh state = iota
	running
	waiting
	ended
)

// Yield is the generator's side: what its body yields with.
type Yield[Y, S any] struct {
	yield func(Y) bool
	sent  S
	err   error // thrown
}

// New returns a generator. Nothing of body runs before the first Next.
func New[Y, S, R any](body func(y *Yield[Y, S]) (R, error)) *Generator[Y, S, R] {
	return &Generator[Y, S, R]{body: body}
}

// Yield gives v to whoever asked for it, and waits. It returns what is sent then, or
// the error that is thrown: the body should return it, after cleaning up.
func (y *Yield[Y, S]) Yield(v Y) (S, error) {
	y.yield(v)
	sent, err := y.sent, y.err
	var zero S
	y.sent, y.err = zero, nil
	return sent, err
}

// Next runs the generator to its next Yield and returns the value. At the end it
// returns ErrStop, or the body's error, and ErrStop after that.
func (g *Generator[Y, S, R]) Next() (Y, error) {
	var none S
	return g.resume(none, nil)
}

// Send is Next with a value for the Yield that waits. A generator that has not begun
// returns ErrFresh.
func (g *Generator[Y, S, R]) Send(v S) (Y, error) {
	if g.state == fresh {
		var zero Y
		return zero, ErrFresh
	}
	return g.resume(v, nil)
}

// Throw makes the Yield that waits return err, and returns what the generator yields
// next if it goes on. A generator that has not begun ends without running, and one
// that has ended just returns err.
func (g *Generator[Y, S, R]) Throw(err error) (Y, error) {
	var none S
	if g.state == fresh {
		g.state = ended
	}
	if g.state == ended {
		var zero Y
		return zero, err
	}
	return g.resume(none, err)
}

// Close ends the generator: its Yield returns ErrExit. It returns the body's error if
// that is another one, and ErrIgnored if the body yields again. Closing one that has
// not begun, or has ended, does nothing.
func (g *Generator[Y, S, R]) Close() error {
	switch g.state {
	case fresh:
		g.state = ended
		return nil
	case ended:
		return nil
	}
	_, err := g.Throw(ErrExit)
	switch {
	case err == nil:
		return ErrIgnored
	case errors.Is(err, ErrExit) || errors.Is(err, ErrStop):
		return nil
	}
	return err
}

// Value returns what the generator returned: the zero value before that.
func (g *Generator[Y, S, R]) Value() R { return g.result }

func (g *Generator[Y, S, R]) resume(sent S, thrown error) (Y, error) {
	var zero Y
	switch g.state {
	case running:
		return zero, ErrRunning
	case ended:
		return zero, ErrStop
	case fresh:
		g.next, g.stop = iter.Pull(g.run)
	}
	g.y.sent, g.y.err = sent, thrown
	g.state = running
	v, ok := g.next()
	if ok {
		g.state = waiting
		return v, nil
	}
	g.state = ended
	if err := g.failure; err != nil {
		g.failure = nil
		return zero, err
	}
	return zero, ErrStop
}

// run is what the generator's coroutine runs.
func (g *Generator[Y, S, R]) run(yield func(Y) bool) {
	defer func() {
		if v := recover(); v != nil {
			g.failure = &corolla.PanicError{Value: v, Stack: debug.Stack(), Where: "a generator"}
		}
	}()
	g.y.yield = yield
	g.result, g.failure = g.body(&g.y)
	if errors.Is(g.failure, ErrStop) { // PEP 479: it would look like the end
		g.failure = fmt.Errorf("the generator failed with the end of another: %v", g.failure)
	}
}

// From hands over to another generator until it ends: what it yields goes to whoever
// asks y's generator, and what is sent or thrown goes to it. From returns what inner
// returned. (Python's yield from.)
func From[Y, S, R any](y *Yield[Y, S], inner *Generator[Y, S, R]) (R, error) {
	v, err := inner.Next()
	for err == nil {
		sent, thrown := y.Yield(v)
		switch {
		case thrown == nil:
			v, err = inner.resume(sent, nil)
		case errors.Is(thrown, ErrExit):
			if err := inner.Close(); err != nil {
				return inner.result, err
			}
			return inner.result, thrown
		default:
			v, err = inner.Throw(thrown)
		}
	}
	if errors.Is(err, ErrStop) {
		err = nil
	}
	return inner.result, err
}
