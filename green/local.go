package green

import "github.com/corolla-go/corolla"

// Local is a variable that each thread has its own value of, which is dropped when the thread ends.
// The zero value is ready to use, usually in a package variable. (Eventlet's corolocal.)
type Local[T any] struct {
	_ byte // gives each Local an address of its own
}

// Get returns the running thread's value, or the zero value if it has none.
func (v *Local[T]) Get(h *Hub) T {
	value, _ := h.locals[h.current("green.Local.Get")][v].(T)
	return value
}

// Set sets the running thread's value.
func (v *Local[T]) Set(h *Hub, value T) {
	t := h.current("green.Local.Set")
	mine := h.locals[t]
	if mine == nil {
		if h.locals == nil {
			h.locals = map[*corolla.Task]map[any]any{}
		}
		mine = map[any]any{}
		h.locals[t] = mine
		t.OnEnd(func() { delete(h.locals, t) })
	}
	mine[v] = value
}
