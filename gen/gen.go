// Package gen has Python's generators: functions that yield a value, wait until they are asked for
// the next, and go on where they left off (PEP 342), and that can delegate to another generator
// (PEP 380).
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
// What Python raises in a generator, Yield returns here; what a generator raises in Python, its
// body returns here. A generator needs no loop. On one, a generator that yields what it waits for
// is a coroutine: see Go.
//
// A generator belongs to one goroutine at a time, or to a loop.
package gen

import (
	"errors"
	"fmt"
	"log"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/corolla-go/corolla"
)

var (
	// ErrStop is returned by Next, Send and Throw when the generator has returned; Value then
	// returns its result. (Python's StopIteration.)
	ErrStop = errors.New("gen: the generator has returned")

	// ErrExit is what Yield returns in a generator that is being closed. (Python's GeneratorExit.)
	ErrExit = errors.New("gen: the generator is being closed")

	// ErrRunning is returned when a generator that is running is asked for a value.
	ErrRunning = errors.New("gen: the generator is running")

	// ErrFresh is returned by Send to a generator that has not started: no Yield is waiting for the
	// value.
	ErrFresh = errors.New("gen: the generator has not started, so nothing receives the value sent; use Next")

	// ErrIgnored is returned by Close when the generator yields instead of ending.
	ErrIgnored = errors.New("gen: the generator ignored being closed")

	// ErrNoSend is returned by From to the delegator when a value is sent to a source
	// that takes none.
	ErrNoSend = errors.New("gen: the source delegated to takes no values")
)

// EscapedError is the failure of a generator whose body failed with ErrStop, which would look like
// a normal end (PEP 479). It does not match ErrStop, but matches everything else that its cause
// does.
type EscapedError struct{ Cause error }

func (e *EscapedError) Error() string { return fmt.Sprintf("%v: %v", errEscaped, e.Cause) }

// Unwrap returns the escape itself and its cause, without ErrStop.
func (e *EscapedError) Unwrap() []error { return []error{errEscaped, notStop{e.Cause}} }

var errEscaped = errors.New("gen: a generator's body failed with ErrStop")

// notStop is an error that does not match ErrStop.
type notStop struct{ error }

func (b notStop) Is(target error) bool { return target != ErrStop && errors.Is(b.error, target) }

func (b notStop) As(target any) bool { return errors.As(b.error, target) }

// Generator yields values of type Y, is sent values of type S, and returns an R.
//
// A generator that becomes unreachable is closed, so that its deferred functions run; that happens
// on a goroutine of the runtime's. Close it yourself if they touch shared state.
type Generator[Y, S, R any] struct {
	*core[Y, S, R]
}

// core is what the generator's coroutine refers to. It is not the Generator itself, which would
// then never become unreachable.
type core[Y, S, R any] struct {
	body    func(*Yield[Y, S]) (R, error)
	next    func() (Y, bool)
	y       Yield[Y, S]
	own     shared
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

// Yield is the generator's side, with which its body yields.
type Yield[Y, S any] struct {
	yield func(Y) bool
	sent  S
	given bool  // sent is from Send, not from Next
	err   error // thrown
	*shared
}

// shared is what a generator shares with those that it delegates to: to its driver they are one.
type shared struct {
	over    bool  // they must unwind
	patient bool  // a cleanup may yield, since a driver awaits what it yields
	spent   bool  // the next Read or Write lets others run first
	calls   uint8 // of Read and Write that did not wait, since the last Yield
}

// New returns a generator. Nothing of body runs before the first Next.
func New[Y, S, R any](body func(y *Yield[Y, S]) (R, error)) *Generator[Y, S, R] {
	c := &core[Y, S, R]{body: body}
	c.y.shared = &c.own
	return &Generator[Y, S, R]{c}
}

// Yield gives v to the caller of Next, Send or Throw, and waits. It then returns the value that is
// sent, or the error that is thrown, which the body should return after cleaning up.
func (y *Yield[Y, S]) Yield(v Y) (S, error) {
	y.give(v)
	y.checkOver()
	return y.sent, y.err
}

// give is the one place where values are yielded.
func (y *Yield[Y, S]) give(v Y) {
	y.calls, y.spent = 0, false
	y.yield(v)
}

// checkOver does not return in a generator that must unwind.
func (s *shared) checkOver() {
	if s.over {
		panic(unwinding{})
	}
}

// shareWith makes the generator share its delegator's state, or stop sharing if that is nil.
func (c *core[Y, S, R]) shareWith(with *shared) {
	if c.y.shared = with; with == nil {
		c.y.shared = &c.own
	}
}

// Next runs the generator to its next Yield and returns the value. At the end it
// returns ErrStop, or the body's error, and ErrStop after that.
func (g *Generator[Y, S, R]) Next() (Y, error) {
	var none S
	v, err := g.resume(none, false, nil)
	runtime.KeepAlive(g)
	return v, err
}

// Send is Next with a value for the waiting Yield. On a generator that has not started it returns
// ErrFresh.
func (g *Generator[Y, S, R]) Send(v S) (Y, error) {
	if g.state == fresh {
		var zero Y
		return zero, ErrFresh
	}
	got, err := g.resume(v, true, nil)
	runtime.KeepAlive(g)
	return got, err
}

// Throw makes the waiting Yield return err, and returns what the generator yields next if it goes
// on. A generator that has not started ends without running; for one that has ended, Throw just
// returns err. It panics on a nil error.
func (g *Generator[Y, S, R]) Throw(err error) (Y, error) {
	if err == nil {
		panic("gen: Throw with a nil error: use Next")
	}
	v, err := g.throw(err)
	runtime.KeepAlive(g)
	return v, err
}

// Close ends the generator: its Yield returns ErrExit. It returns the body's error unless that says
// only ErrExit, and ErrIgnored if the body yields again. Closing a generator that has not started,
// or has ended, does nothing.
func (g *Generator[Y, S, R]) Close() error {
	err := g.close()
	runtime.KeepAlive(g)
	return err
}

// Value returns what the generator returned, or the zero value before that.
func (g *Generator[Y, S, R]) Value() R { return g.result }

func (c *core[Y, S, R]) throw(err error) (v Y, _ error) {
	if c.state == fresh {
		c.state = ended
		if errors.Is(err, ErrStop) {
			err = &EscapedError{err}
		}
	}
	if c.state == ended {
		return v, err
	}
	var none S
	return c.resume(none, false, err)
}

func (c *core[Y, S, R]) close() error {
	switch c.state {
	case fresh:
		c.state = ended
		return nil
	case ended:
		return nil
	}
	_, err := c.throw(ErrExit)
	switch {
	case err == nil:
		return ErrIgnored
	case corolla.IsOnly(err, ErrExit, ErrStop):
		return nil
	}
	return err
}

// maxRefused is how often a generator that should end may yield instead, and then how often again
// while it is unwound.
const maxRefused = 100

// unwinding is the panic that ends a body that keeps going when its generator is closed.
type unwinding struct{}

// finish is close for a generator that will never be resumed: if it yields all the same it is
// closed again, and in the end unwound, so that its deferred functions run; it has then not obeyed.
// A body that survives even that is left where it is.
func (c *core[Y, S, R]) finish() (obeyed bool, err error) {
	for try := range 2 * maxRefused {
		c.y.over = try >= maxRefused
		if err = c.close(); c.state == ended {
			return !c.y.over, err
		}
	}
	return false, nil
}

// ignored returns the error for a generator that has not obeyed.
func (c *core[Y, S, R]) ignored() error {
	if c.state != ended {
		return fmt.Errorf("%w: %v, which kept going even while being unwound, and was left as it is", ErrIgnored, c)
	}
	return fmt.Errorf("%w: %v, which was unwound", ErrIgnored, c)
}

func (g *Generator[Y, S, R]) resume(sent S, given bool, thrown error) (Y, error) {
	if g.state == fresh {
		g.next, _ = corolla.Pull(g.run)
		runtime.AddCleanup(g, abandon[Y, S, R], g.core)
	}
	return g.core.resume(sent, given, thrown)
}

func abandon[Y, S, R any](c *core[Y, S, R]) {
	obeyed, err := c.finish()
	if !obeyed {
		err = errors.Join(c.ignored(), err)
	}
	if err != nil {
		log.Printf("gen: closing %v, which was abandoned: %v", c, err)
	}
}

func (c *core[Y, S, R]) resume(sent S, given bool, thrown error) (v Y, err error) {
	switch c.state {
	case running:
		return v, ErrRunning
	case ended:
		return v, ErrStop
	}
	c.y.sent, c.y.given, c.y.err = sent, given, thrown
	c.state = running
	v, ok := c.next()
	if ok {
		c.state = waiting
		return v, nil
	}
	if err := c.failure; err != nil {
		c.failure = nil
		return v, err
	}
	return v, ErrStop
}

// run is what the generator's coroutine runs.
func (c *core[Y, S, R]) run(yield func(Y) bool) {
	defer func() {
		c.state = ended
		v := recover()
		if corolla.IsUnwinding(v) {
			panic(v) // unwinds the task that resumed it
		}
		switch v.(type) {
		case nil:
		case unwinding:
			c.failure = ErrExit
		default:
			c.failure = &corolla.PanicError{Value: v, Stack: debug.Stack(), Where: c.String()}
		}
		if errors.Is(c.failure, ErrStop) {
			c.failure = &EscapedError{c.failure}
		}
	}()
	c.y.yield = yield
	c.result, c.failure = c.body(&c.y)
}

// String identifies the generator by its function.
func (c *core[Y, S, R]) String() string {
	name := runtime.FuncForPC(reflect.ValueOf(c.body).Pointer()).Name()
	return "a generator of " + name[strings.LastIndexByte(name, '/')+1:]
}
