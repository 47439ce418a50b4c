package gen

import (
	"iter"
	"log"

	"github.com/corolla-go/corolla"
)

// Source is what can be delegated to: anything that returns values until ErrStop. If it has a Send,
// Throw or Close like a Generator's, they are used.
type Source[Y any] interface {
	Next() (Y, error)
}

type (
	sender[Y, S any] interface{ Send(S) (Y, error) }
	thrower[Y any]   interface{ Throw(error) (Y, error) }
	closer           interface{ Close() error }
	sharer           interface{ shareWith(*shared) }
)

// From delegates to another generator until it ends: what inner yields goes to the caller of y's
// generator, and what that sends or throws goes to inner. From returns what inner returned.
// (Python's yield from.)
func From[Y, S, R any](y *Yield[Y, S], inner *Generator[Y, S, R]) (R, error) {
	err := FromSource(y, inner)
	return inner.Value(), err
}

// FromSource delegates to a source until it ends. If a value is sent and the source has no Send, it
// returns ErrNoSend; if an error is thrown and the source has no Throw, it returns that error.
// Throwing ErrExit closes the source, if it has a Close, and is then returned whatever the source
// made of it; ErrExit joined with another error is thrown like any other.
func FromSource[Y, S any](y *Yield[Y, S], src Source[Y]) error {
	if in, ok := src.(sharer); ok {
		in.shareWith(y.shared)
		defer in.shareWith(nil)
	}
	v, err := src.Next()
	for err == nil {
		y.give(v)
		switch {
		case corolla.IsOnly(y.err, ErrExit):
			err := leave(y, src, y.err)
			y.checkOver()
			return err
		case y.err != nil:
			to, ok := src.(thrower[Y])
			if !ok {
				return y.err
			}
			v, err = to.Throw(y.err)
		case y.given:
			to, ok := src.(sender[Y, S])
			if !ok {
				return ErrNoSend
			}
			v, err = to.Send(y.sent)
		default:
			v, err = src.Next()
		}
	}
	if corolla.IsOnly(err, ErrStop) {
		return nil
	}
	return err
}

// leave ends the source and returns the error with which the delegator ends. On a loop the source's
// cleanup may wait.
func leave[Y, S any](y *Yield[Y, S], src Source[Y], exit error) error {
	if to, ok := src.(thrower[Y]); ok && y.patient {
		v, err := to.Throw(exit)
		for err == nil {
			y.give(v)
			if y.err != nil {
				v, err = to.Throw(y.err)
			} else {
				v, err = src.Next()
			}
		}
		if !corolla.IsOnly(err, ErrExit, ErrStop) {
			return err
		}
	} else if to, ok := src.(closer); ok {
		if err := to.Close(); err != nil {
			return err
		}
	}
	return exit
}

// Of returns a generator that yields a sequence's values.
func Of[Y any](seq iter.Seq[Y]) *Generator[Y, struct{}, struct{}] {
	return New(func(y *Yield[Y, struct{}]) (none struct{}, err error) {
		for v := range seq {
			if _, err = y.Yield(v); err != nil {
				break
			}
		}
		return none, err
	})
}

// Pair is an element of a sequence of pairs.
type Pair[K, V any] struct {
	Key   K
	Value V
}

// Of2 returns a generator that yields a sequence's pairs.
func Of2[K, V any](seq iter.Seq2[K, V]) *Generator[Pair[K, V], struct{}, struct{}] {
	return Of(func(yield func(Pair[K, V]) bool) {
		for k, v := range seq {
			if !yield(Pair[K, V]{k, v}) {
				return
			}
		}
	})
}

// Seq returns the generator's values as a sequence, for a range statement. Leaving the loop closes
// the generator. An error from the generator, including one on closing, panics; see All.
func (g *Generator[Y, S, R]) Seq() iter.Seq[Y] {
	return func(yield func(Y) bool) {
		for v, err := range g.All() {
			if err != nil {
				panic(err)
			}
			if yield(v) {
				continue
			}
			if err := g.Close(); err != nil {
				panic(err)
			}
			return
		}
	}
}

// All returns the generator's values as a sequence that ends with the generator's error, if any.
// Leaving the range loop closes the generator; an error from that is logged with the log package,
// unless you Close it yourself first.
func (g *Generator[Y, S, R]) All() iter.Seq2[Y, error] {
	return func(yield func(Y, error) bool) {
		defer func() {
			if err := g.Close(); err != nil {
				log.Printf("gen: closing %v before its end: %v", g, err)
			}
		}()
		for {
			v, err := g.Next()
			if err == ErrStop {
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}
