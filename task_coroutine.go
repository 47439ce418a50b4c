package corolla

import "iter"

// coroutine is the goroutine that a task's body runs on. A call of next resumes it, and
// returns when it suspends. One that has finished a task is kept for another, which saves
// making a goroutine.
//
// It is built on iter.Pull, whose switch costs a quarter of a channel handoff, and which
// the race detector understands.
type coroutine struct {
	next  func() (struct{}, bool) // runs it until it suspends or its task is finished
	stop  func()
	yield func(struct{}) bool
	task  *Task
	id    uintptr // its goroutine; 0 until it has run
	at    uintptr // the goroutine that was suspended: its own, or that of a generator inside it
}

func newCoroutine() *coroutine {
	c := new(coroutine)
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		for {
			c.task.body()
			c.task = nil
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return c
}

// suspend gives control back to the caller of next.
func (c *coroutine) suspend() { c.yield(struct{}{}) }

// coroutines is a pool of idle coroutines.
type coroutines struct{ idle []*coroutine }

func (s *coroutines) take() *coroutine {
	n := len(s.idle)
	if n == 0 {
		return newCoroutine()
	}
	c := s.idle[n-1]
	s.idle[n-1] = nil
	s.idle = s.idle[:n-1]
	return c
}

// give takes back a coroutine, and stops it if keep are idle already.
func (s *coroutines) give(c *coroutine, keep int) {
	if len(s.idle) >= keep {
		c.stop()
		return
	}
	s.idle = append(s.idle, c)
}

func (s *coroutines) stop() {
	for _, c := range s.idle {
		c.stop()
	}
	s.idle = nil
}
