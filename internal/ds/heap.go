package ds

import (
	"iter"
	"slices"
)

// Order compares the nodes of a Heap, and tells each node its place, so that it can be removed
// without a search. Implement it on a zero-size type.
type Order[T any] interface {
	Less(a, b T) bool
	// Place tells a node its index in the heap, or -1 when it leaves.
	Place(node T, i int)
}

// Heap is a priority queue with four children per node: shallower than a binary heap, it touches
// less memory for the same number of timers.
//
// The zero value is an empty heap.
type Heap[T any, O Order[T]] struct {
	nodes []T
	order O
}

// Len returns how many nodes the heap holds.
func (h *Heap[T, O]) Len() int { return len(h.nodes) }

// All returns an iterator over the nodes, in no particular order. The heap must not change meanwhile.
func (h *Heap[T, O]) All() iter.Seq[T] { return slices.Values(h.nodes) }

// Min returns the least node. It panics when the heap is empty.
func (h *Heap[T, O]) Min() T { return h.nodes[0] }

// Push adds a node.
func (h *Heap[T, O]) Push(v T) {
	h.nodes = append(h.nodes, v)
	h.up(len(h.nodes) - 1)
}

// Pop removes and returns the least node. It panics when the heap is empty.
func (h *Heap[T, O]) Pop() T {
	v := h.nodes[0]
	h.Remove(0)
	return v
}

// Remove takes out the node at place i.
func (h *Heap[T, O]) Remove(i int) {
	last := len(h.nodes) - 1
	h.order.Place(h.nodes[i], -1)
	moved := h.nodes[last]
	var zero T
	h.nodes[last] = zero
	h.nodes = h.nodes[:last]
	if last < cap(h.nodes)/8 && cap(h.nodes) > 1024 { // a burst is over
		h.nodes = append(make([]T, 0, cap(h.nodes)/4), h.nodes...)
	}
	if i == last {
		return
	}
	h.nodes[i] = moved
	h.Fix(i)
}

// Fix restores the order after the node at place i has changed.
func (h *Heap[T, O]) Fix(i int) {
	if v := h.nodes[i]; !h.up(i) {
		h.down(i, v)
	}
}

func (h *Heap[T, O]) up(i int) (moved bool) {
	v := h.nodes[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !h.order.Less(v, h.nodes[parent]) {
			break
		}
		h.set(i, h.nodes[parent])
		i = parent
		moved = true
	}
	h.set(i, v)
	return moved
}

func (h *Heap[T, O]) down(i int, v T) {
	for {
		least := i
		first := 4*i + 1
		for c := first; c < min(first+4, len(h.nodes)); c++ {
			if least == i && h.order.Less(h.nodes[c], v) || least != i && h.order.Less(h.nodes[c], h.nodes[least]) {
				least = c
			}
		}
		if least == i {
			break
		}
		h.set(i, h.nodes[least])
		i = least
	}
	h.set(i, v)
}

func (h *Heap[T, O]) set(i int, v T) {
	h.nodes[i] = v
	h.order.Place(v, i)
}
