// Package ds holds the data structures that the event loop is built on: a ring for ready callbacks,
// a heap for timers, an intrusive list, and the three orders of a queue.
package ds

// Ring is a growing first-in-first-out queue whose items are numbered: the first item ever pushed
// has number 0, the next 1, and an item keeps its number until it is popped. The number lets a
// caller blank an item that is still queued, which is how a ready callback is canceled without a
// search.
//
// The zero value is an empty ring.
type Ring[T any] struct {
	items []T    // length is 0 or a power of two
	head  uint64 // number of the next item to pop
	tail  uint64 // number of the next item to push
}

// Len returns how many items are queued.
func (r *Ring[T]) Len() int { return int(r.tail - r.head) }

// Push appends v and returns its number.
func (r *Ring[T]) Push(v T) uint64 {
	if r.Len() == len(r.items) {
		r.grow()
	}
	n := r.tail
	r.items[n&uint64(len(r.items)-1)] = v
	r.tail++
	return n
}

// Pop removes and returns the oldest item. It panics when the ring is empty.
func (r *Ring[T]) Pop() T {
	if r.head == r.tail {
		panic("ds: Pop of an empty ring")
	}
	at := &r.items[r.head&uint64(len(r.items)-1)]
	v := *at
	var zero T
	*at = zero // let the collector have it
	r.head++
	return v
}

// At returns a pointer to the item with number n, or nil if that item was already popped or never
// pushed. The pointer is good until the next Push.
func (r *Ring[T]) At(n uint64) *T {
	if n < r.head || n >= r.tail {
		return nil
	}
	return &r.items[n&uint64(len(r.items)-1)]
}

// Shrink gives back the memory of an empty ring that grew past keep items.
func (r *Ring[T]) Shrink(keep int) {
	if r.Len() == 0 && len(r.items) > keep {
		r.items = nil
	}
}

func (r *Ring[T]) grow() {
	size := max(16, 2*len(r.items))
	items := make([]T, size)
	for n := r.head; n < r.tail; n++ {
		items[n&uint64(size-1)] = r.items[n&uint64(len(r.items)-1)]
	}
	r.items = items
}
