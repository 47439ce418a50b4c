package ds

// List is an intrusive doubly linked list: the links are part of the items, so that joining and
// leaving it need no allocation and no search. The zero value is empty.
type List[T any] struct {
	first, last *Link[T]
	n           int
}

// Link is a place in at most one List at a time. The zero value is in no list.
type Link[T any] struct {
	Value      T
	in         *List[T]
	next, prev *Link[T]
}

// Len returns how many links are in the list.
func (l *List[T]) Len() int { return l.n }

// First returns the first link, or nil if there is none.
func (l *List[T]) First() *Link[T] { return l.first }

// Last returns the last link, or nil if there is none.
func (l *List[T]) Last() *Link[T] { return l.last }

// Next returns the link after k in its list, or nil if k is the last or in no list.
func (k *Link[T]) Next() *Link[T] { return k.next }

// Prev returns the link before k in its list, or nil if k is the first or in no list.
func (k *Link[T]) Prev() *Link[T] { return k.prev }

// In reports whether k is in the list.
func (k *Link[T]) In(l *List[T]) bool { return k.in == l }

// Listed reports whether k, which may be nil, is in a list.
func (k *Link[T]) Listed() bool { return k != nil && k.in != nil }

// Push adds k at the end. It panics if k is already in a list.
func (l *List[T]) Push(k *Link[T]) {
	if k.in != nil {
		panic("ds: Push of a link that is already in a list")
	}
	k.in, k.prev = l, l.last
	if l.last == nil {
		l.first = k
	} else {
		l.last.next = k
	}
	l.last = k
	l.n++
}

// Leave removes k, which may be nil, from its list, if any, and reports whether it was in one.
func (k *Link[T]) Leave() bool {
	if !k.Listed() {
		return false
	}
	l := k.in
	if k.prev == nil {
		l.first = k.next
	} else {
		k.prev.next = k.next
	}
	if k.next == nil {
		l.last = k.prev
	} else {
		k.next.prev = k.prev
	}
	l.n--
	k.in, k.next, k.prev = nil, nil, nil
	return true
}
