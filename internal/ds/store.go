package ds

import "math"

// The three orders in which a queue can keep its values. Unpop returns a value to the store that
// was handed out while the store was empty: the value is older than everything pushed since, and is
// ordered accordingly. Values come back in the order in which they were handed out, and keep it.

// FIFO keeps values in order of arrival.
type FIFO[T any] struct {
	ring Ring[T]
	back Ring[T]
}

func (s *FIFO[T]) Push(v T)  { s.ring.Push(v) }
func (s *FIFO[T]) Unpop(v T) { s.back.Push(v) }
func (s *FIFO[T]) Len() int  { return s.ring.Len() + s.back.Len() }

func (s *FIFO[T]) Pop() T {
	if s.back.Len() > 0 {
		return s.back.Pop()
	}
	v := s.ring.Pop()
	s.ring.Shrink(1 << 12)
	return v
}

func popLast[T any](s *[]T) T {
	var zero T
	last := len(*s) - 1
	v := (*s)[last]
	(*s)[last] = zero
	*s = (*s)[:last]
	return v
}

// LIFO keeps values in reverse order of arrival.
type LIFO[T any] struct {
	items []T
	back  []T // older than all of items
}

func (s *LIFO[T]) Push(v T)  { s.items = append(s.items, v) }
func (s *LIFO[T]) Unpop(v T) { s.back = append(s.back, v) }
func (s *LIFO[T]) Len() int  { return len(s.items) + len(s.back) }

func (s *LIFO[T]) Pop() T {
	if len(s.items) == 0 {
		return popLast(&s.back)
	}
	return popLast(&s.items)
}

// Priority keeps values in the order of less, and equal ones in order of arrival.
type Priority[T any] struct {
	less func(a, b T) bool
	heap Heap[*ranked[T], rank[T]]
	seq  int64
	back int64
}

// NewPriority returns an empty store ordered by less.
func NewPriority[T any](less func(a, b T) bool) *Priority[T] { return &Priority[T]{less: less} }

type ranked[T any] struct {
	value T
	seq   int64
	less  func(a, b T) bool
}

type rank[T any] struct{}

func (rank[T]) Less(a, b *ranked[T]) bool {
	switch {
	case a.less(a.value, b.value):
		return true
	case a.less(b.value, a.value):
		return false
	}
	return a.seq < b.seq
}

func (rank[T]) Place(*ranked[T], int) {} // nothing is removed from within

func (s *Priority[T]) Push(v T) {
	s.seq++
	s.heap.Push(&ranked[T]{v, s.seq, s.less})
}

func (s *Priority[T]) Unpop(v T) {
	if s.back == 0 {
		s.back = math.MinInt64 // before everything that was pushed
	}
	s.back++
	s.heap.Push(&ranked[T]{v, s.back, s.less})
}

func (s *Priority[T]) Len() int { return s.heap.Len() }
func (s *Priority[T]) Pop() T   { return s.heap.Pop().value }
