package green

import "github.com/corolla-go/corolla"

// Resources hands out what is dear and can be used by one thread at a time, such as connections
// to a database. They are made when they are first needed, up to a number; who wants one beyond that
// waits, first in, first out. (Eventlet's pools.Pool. Its TokenPool is a corolla.Semaphore.)
type Resources[T any] struct {
	hub    *Hub
	create func() (T, error)
	limit  int
	last   bool // what was given back last is used first
	free   []T
	made   int
	rights *corolla.Semaphore // to have one
}

// ResourcesStats describes Resources.
type ResourcesStats struct {
	Limit   int
	Made    int // those that are in use among them
	Free    int
	Waiting int
}

// NewResources returns resources of which there are at most limit, at least 1, and of which the
// one that was free for longest is used first. Create makes one; it may wait.
func NewResources[T any](h *Hub, limit int, create func() (T, error)) *Resources[T] {
	limit = max(limit, 1)
	return &Resources[T]{hub: h, create: create, limit: limit, rights: corolla.NewSemaphore(limit)}
}

// NewResourceStack is NewResources, but what was given back last is used first.
func NewResourceStack[T any](h *Hub, limit int, create func() (T, error)) *Resources[T] {
	r := NewResources(h, limit, create)
	r.last = true
	return r
}

// Get waits until one is free, or may be made. It is to be given back, with Put or Drop. The error is
// that of making it.
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

// Drop is Put of one that is broken: it is forgotten, and another is made when it is needed.
func (r *Resources[T]) Drop() {
	r.hub.loop.Check("green.Resources.Drop")
	r.made--
	r.rights.Release()
}

// Use calls f with one, which is given back afterwards. If f returns an error, or does not return, it
// is dropped: nobody knows in what state it is.
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

// Stats returns how the resources stand.
func (r *Resources[T]) Stats() ResourcesStats {
	return ResourcesStats{r.limit, r.made, len(r.free), r.rights.Stats().Waiting}
}
