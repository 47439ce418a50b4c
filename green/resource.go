package green

import "github.com/corolla-go/corolla"

// Resources hands out values that are expensive to make and that one thread at a time can use, such
// as database connections. They are made when first needed, up to a limit; beyond it threads wait,
// first in, first out. (Eventlet's pools.Pool. Its TokenPool is a corolla.Semaphore.)
type Resources[T any] struct {
	hub    *Hub
	create func() (T, error)
	limit  int
	last   bool // the one given back last is used first
	free   []T
	made   int
	rights *corolla.Semaphore // permits to hold one
}

// ResourcesStats describes Resources.
type ResourcesStats struct {
	Limit   int
	Made    int // including those in use
	Free    int
	Waiting int
}

// NewResources returns Resources with a limit, at least 1, in which the one that has been free
// longest is used first. create makes one; it may wait.
func NewResources[T any](h *Hub, limit int, create func() (T, error)) *Resources[T] {
	limit = max(limit, 1)
	return &Resources[T]{hub: h, create: create, limit: limit, rights: corolla.NewSemaphore(limit)}
}

// NewResourceStack is NewResources, but the one given back last is used first.
func NewResourceStack[T any](h *Hub, limit int, create func() (T, error)) *Resources[T] {
	r := NewResources(h, limit, create)
	r.last = true
	return r
}

// Get waits until one is free, or may be made. Give it back with Put or Drop. The error is that of
// making it.
func (r *Resources[T]) Get() (v T, err error) {
	r.hub.wait("green.Resources.Get", r.rights.Acquire)
	if n := len(r.free); n > 0 {
		i := 0
		if r.last {
			i = n - 1
		}
		v, r.free = r.free[i], append(r.free[:i:i], r.free[i+1:]...)
		return v, nil
	}
	made := false
	defer func() {
		if !made {
			r.made--
			r.rights.Release()
		}
	}()
	r.made++
	if v, err = r.create(); err == nil {
		made = true
	}
	return v, err
}

// Put gives one back.
func (r *Resources[T]) Put(v T) {
	r.hub.loop.Check("green.Resources.Put")
	r.free = append(r.free, v)
	r.rights.Release()
}

// Drop is Put for one that is broken: it is forgotten, and another is made when needed.
func (r *Resources[T]) Drop() {
	r.hub.loop.Check("green.Resources.Drop")
	r.made--
	r.rights.Release()
}

// Use calls f with one, and gives it back afterwards. If f returns an error, or does not return, it
// is dropped, because its state is unknown.
func (r *Resources[T]) Use(f func(v T) error) error {
	v, err := r.Get()
	if err != nil {
		return err
	}
	good := false
	defer func() {
		if good {
			r.Put(v)
		} else {
			r.Drop()
		}
	}()
	err = f(v)
	good = err == nil
	return err
}

// Stats returns the current numbers.
func (r *Resources[T]) Stats() ResourcesStats {
	return ResourcesStats{r.limit, r.made, len(r.free), r.rights.Stats().Waiting}
}
