package green

import "github.com/corolla-go/corolla"

// Pool limits how many threads run at a time. Starting one in a full pool waits, first in, first
// out. (Eventlet's GreenPool.)
type Pool struct {
	hub     *Hub
	size    int
	running int // places taken, including by threads that are about to start
	members map[*corolla.Task]bool
	waiting corolla.Waiters // for a place
	ending  corolla.Waiters // for all to end
}

// PoolStats describes a Pool.
type PoolStats struct {
	Size    int
	Running int
	Free    int // negative while more run than a reduced size allows
	Waiting int // threads waiting for room
}

// NewPool returns a pool of the given size; Eventlet's default is 1,000. In one of size 0 nothing
// starts. It panics if the size is negative.
func NewPool(h *Hub, size int) *Pool {
	p := &Pool{hub: h, members: map[*corolla.Task]bool{}}
	p.Resize(size)
	return p
}

// Go starts f as a thread of the pool, once there is room. A thread of the pool that starts another
// while the pool is full would wait for itself; f then runs within the call, as an extra thread
// that the caller waits for. The function Go starts threads with a result.
func (p *Pool) Go(f func() error, opts ...corolla.TaskOption) *Thread[struct{}] {
	return begin(p, &Thread[struct{}]{plain: f}, opts)
}

func (p *Pool) enter(what string) (*Hub, *Pool, bool) {
	t := p.hub.current(what)
	if !p.try() {
		if p.members[t] {
			return p.hub, p, true
		}
		p.take(what)
	}
	return p.hub, p, false
}

// try takes a place, if one is free and no thread is waiting for one.
func (p *Pool) try() bool {
	if p.running >= p.size || p.waiting.Len() > 0 {
		return false
	}
	p.running++
	return true
}

// take waits for a place.
func (p *Pool) take(what string) {
	p.hub.wait(what, func(t *corolla.Task) error {
		woken, err := p.waiting.Wait(t, p)
		if woken && err != nil { // the wake-up came with a place
			p.release()
		}
		return err
	})
}

// release gives a place back.
func (p *Pool) release() {
	p.running--
	p.fill()
}

// fill gives free places to waiting threads.
func (p *Pool) fill() {
	for p.running < p.size && p.waiting.Wake() != nil {
		p.running++
	}
	if p.running == 0 {
		p.ending.WakeAll()
	}
}

// joined records that a thread has begun.
func (p *Pool) joined(t *corolla.Task) { p.members[t] = true }

// left records that a thread has ended, and gives its place back.
func (p *Pool) left(t *corolla.Task, extra bool) {
	delete(p.members, t)
	if !extra {
		p.release()
	}
}

// Resize sets the size. Threads already running beyond it go on. It panics if the size is negative.
func (p *Pool) Resize(size int) {
	p.hub.loop.Check("green.Pool.Resize")
	if size < 0 {
		panic("green: a Pool with a negative size: 0 is one in which nothing starts")
	}
	p.size = size
	p.fill()
}

// Wait waits until no thread of the pool runs, or is about to. It panics in a thread of the pool, which
// would wait for itself. (Eventlet's waitall.)
func (p *Pool) Wait() {
	p.hub.wait("green.Pool.Wait", func(t *corolla.Task) error {
		if p.members[t] {
			panic("green: Pool.Wait in a thread of the pool would wait for itself; wait from outside of it")
		}
		var err error
		for p.running > 0 && err == nil {
			_, err = p.ending.Wait(t, "the threads of a pool to end")
		}
		return err
	})
}

// Stats returns the pool's current numbers.
func (p *Pool) Stats() PoolStats {
	p.hub.loop.Check("green.Pool.Stats")
	return PoolStats{p.size, p.running, p.size - p.running, p.waiting.Len()}
}

func (p *Pool) String() string { return "room in a pool" }
