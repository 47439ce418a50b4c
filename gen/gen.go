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
// What Python raises in a generator, Yield returns; what a generator raises, its body
// returns. A generator needs no loop. On one, a generator that yields what it waits for
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
	// ErrStop is returned by Next, Send and Throw when the generator has returned; Value
	// then gives what it returned. (Python's StopIteration.)
	ErrStop = errors.New("gen: the generator has returned")

	// ErrExit is what a Yield returns in a generator that is being closed. (Python's
	// GeneratorExit.)
	ErrExit = errors.New("gen: the generator is being closed")

	// ErrRunning is returned to who asks a generator that is running for a value.
	ErrRunning = errors.New("gen: the generator is running")

	// ErrFresh is returned by Send to a generator that has not begun: no Yield is there
	// to receive the value.
	ErrFresh = errors.New("gen: the generator has not begun, so nothing receives the value sent; use Next")

	// ErrIgnored is returned by Close when the generator yields instead of ending.
	ErrIgnored = errors.New("gen: the generator ignored that it is being closed")

	// ErrNoSend is returned by From to the delegator when a value is sent to a source
	// that takes none.
	ErrNoSend = errors.New("gen: the source that was delegated to takes no values")
)

// EscapedError is the failure of a generator whose body failed with ErrStop, which would look
// like a normal end (PEP 479). It does not match ErrStop, but all else that its cause matches.
type EscapedError struct{ Cause error }

func (e *EscapedError) Error() string { return fmt.Sprintf("%v: %v", errEscaped, e.Cause) }

// Unwrap returns what the error says: that something escaped, and what, but for ErrStop.
func (e *EscapedError) Unwrap() []error { return []error{errEscaped, besides{e.Cause}} }

var errEscaped = errors.New("gen: a body failed with what means the end of a generator")

// besides is an error without the ErrStop in it.
type besides struct{ error }

func (b besides) Is(target error) bool { return target != ErrStop && errors.Is(b.error, target) }

func (b besides) As(target any) bool { return errors.As(b.error, target) }

// Generator yields values of type Y, is sent values of type S, and returns an R.
//
// One that nobody refers to any more is closed, so that its deferred functions run; that
// happens on a goroutine of the garbage collector's. Close it yourself if they touch what
// others share.
type Generator[Y, S, R any] struct {
	*core[Y, S, R]
}

// core is what the generator's coroutine knows: not the Generator, which could otherwise
// never be seen to be abandoned.
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

// Yield is the generator's side: what its body yields with.
type Yield[Y, S any] struct {
	yield func(Y) bool
	sent  S
	given bool  // sent is from Send, not from Next
	err   error // thrown
	*shared
}

// shared is what a generator has in common with those that it delegates to: to who drives it, they
// are one.
type shared struct {
	over    bool  // they are to be unwound
	patient bool  // a cleanup may yield, for somebody waits for what it yields
	spent   bool  // the next Read or Write lets others run first
	calls   uint8 // of Read and Write that did not wait, since the last Yield
}

// New returns a generator. Nothing of body runs before the first Next.
func New[Y, S, R any](body func(y *Yield[Y, S]) (R, error)) *Generator[Y, S, R] {
	c := &core[Y, S, R]{body: body}
	c.y.shared = &c.own
	return &Generator[Y, S, R]{c}
}

// Yield gives v to whoever asked for it, and waits. It returns what is sent then, or
// the error that is thrown: the body should return it, after cleaning up.
func (y *Yield[Y, S]) Yield(v Y) (S, error) {
	y.give(v)
	y.mayGoOn()
	return y.sent, y.err
}

// give is what every Yield is in the end.
func (y *Yield[Y, S]) give(v Y) {
	y.calls, y.spent = 0, false
	y.yield(v)
}

// mayGoOn does not return in a generator that is unwound.
func (s *shared) mayGoOn() {
	if s.over {
		panic(unwinding{})
	}
}

// partake makes the generator share what its delegator has, and no longer if that is nil.
func (c *core[Y, S, R]) partake(with *shared) {
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

// Send is Next with a value for the Yield that waits. A generator that has not begun
// returns ErrFresh.
func (g *Generator[Y, S, R]) Send(v S) (Y, error) {
	if g.state == fresh {
		var zero Y
		return zero, ErrFresh
	}
	got, err := g.resume(v, true, nil)
	runtime.KeepAlive(g)
	return got, err
}

// Throw makes the Yield that waits return err, and returns what the generator yields
// next if it goes on. A generator that has not begun ends without running, and one
// that has ended just returns err. It panics on a nil error.
func (g *Generator[Y, S, R]) Throw(err error) (Y, error) {
	if err == nil {
		panic("gen: Throw with a nil error: use Next")
	}
	v, err := g.throw(err)
	runtime.KeepAlive(g)
	return v, err
}

// Close ends the generator: its Yield returns ErrExit. It returns the body's error if
// that says anything else, as one does that is joined with ErrExit, and ErrIgnored if the body
// yields again. Closing one that has not begun, or has ended, does nothing.
func (g *Generator[Y, S, R]) Close() error {
	err := g.close()
	runtime.KeepAlive(g)
	return err
}

// Value returns what the generator returned: the zero value before that.
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

// maxRefused is how often a generator that is to end may yield instead, and then how often
// while it is unwound.
const maxRefused = 100

// unwinding is the panic that ends a body which goes on when its generator is closed.
type unwinding struct{}

// finish is close for a generator that nobody will ask again: one that yields all the same is
// closed again, and in the end unwound, so that its deferred functions run. It has then not
// obeyed. A body that survives even that stays where it is.
func (c *core[Y, S, R]) finish() (obeyed bool, err error) {
	for try := range 2 * maxRefused {
		c.y.over = try >= maxRefused
		if err = c.close(); c.state == ended {
			return !c.y.over, err
		}
	}
	return false, nil
}

// ignored is what is to be said of a generator that has not obeyed.
func (c *core[Y, S, R]) ignored() error {
	if c.state != ended {
		return fmt.Errorf("%w: %v, which goes on even when it is unwound, and is left as it is", ErrIgnored, c)
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
			panic(v) // of the task that has resumed it
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

// String says which generator it is: of what function.
func (c *core[Y, S, R]) String() string {
	name := runtime.FuncForPC(reflect.ValueOf(c.body).Pointer()).Name()
	return "a generator of " + name[strings.LastIndexByte(name, '/')+1:]
}
