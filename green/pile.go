package green

import (
	"iter"

	"github.com/corolla-go/corolla"
)

// Pile starts threads in a pool and yields their results in the order they were started.
// (Eventlet's GreenPile.)
type Pile[T any] struct {
	pool    *Pool
	threads []*Thread[T]
}

// NewPile returns a pile of threads in a pool.
func NewPile[T any](p *Pool) *Pile[T] { return &Pile[T]{pool: p} }

// Go starts f as a thread of the pool, once there is room.
func (p *Pile[T]) Go(f func() (T, error), opts ...corolla.TaskOption) *Thread[T] {
	th := Go(p.pool, f, opts...)
	p.threads = append(p.threads, th)
	return th
}

// All yields the results, waiting for each in turn, and ends when none are left, including those of
// threads that were started meanwhile. Each result is yielded once.
func (p *Pile[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for len(p.threads) > 0 {
			th := p.threads[0]
			p.threads[0] = nil
			p.threads = p.threads[1:]
			if !yield(th.Wait()) {
				return
			}
		}
	}
}
