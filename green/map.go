package green

import (
	"iter"

	"github.com/corolla-go/corolla"
)

// A thread of its own takes the inputs, so that they may come slowly while results are consumed, and a
// place in the pool for each. The jobs are run by threads as few as are needed: one goes on to the next
// job as long as its jobs do not wait. A thread for each job would be simpler, and several times the
// price for small jobs.

// Map calls f for each input, in threads of the pool, and yields the results in the order of the
// inputs. A call that fails or panics yields its error in its place, and the rest goes on. At most one
// input more than the size that the pool has at the start is taken ahead of what was consumed.
// (Eventlet's imap.)
//
// It is consumed in a green thread. When the loop over it is left, no further input is taken; jobs that
// have begun are finished, and their errors reach the error handler.
func Map[A, R any](p *Pool, inputs iter.Seq[A], f func(A) (R, error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		t := p.hub.current("green.Map")
		m := &mapping[A, R]{pool: p, f: f, cells: make([]cell[A, R], p.size), inside: p.members[t]}
		feeder := p.hub.Go(func() error { m.feed(inputs); return nil })
		feeder.Link(func(*Thread[struct{}]) {
			m.over = true
			m.results.Wake()
			m.idle.WakeAll()
		})
		defer m.leave(feeder)
		for m.next() {
			c := m.at(m.taken)
			v, err := c.value, c.err
			*c = cell[A, R]{}
			m.taken++
			m.room.Wake()
			if !yield(v, err) {
				return
			}
		}
		if err := feeder.Join(); err != nil {
			panic(err) // the inputs have
		}
	}
}

// mapping is one Map under way. Inputs are numbered, and there are taken <= begun <= fed.
type mapping[A, R any] struct {
	pool   *Pool
	f      func(A) (R, error)
	cells  []cell[A, R] // of the inputs from taken to fed
	fed    int          // inputs that were taken
	begun  int          // jobs that have begun
	taken  int          // results that were consumed
	extras int          // jobs without a place in the pool
	inside bool         // the consumer is a thread of the pool
	coming bool         // a worker was started or woken, and has not run since
	over   bool         // there are no more inputs
	left   bool         // there is no consumer any more

	room, idle, results corolla.Waiters // the feeder, workers, the consumer
}

type cell[A, R any] struct {
	input A
	value R
	err   error
	extra bool
	done  bool
}

func (m *mapping[A, R]) at(number int) *cell[A, R] { return &m.cells[number%len(m.cells)] }

// feed takes the inputs.
func (m *mapping[A, R]) feed(inputs iter.Seq[A]) {
	for input := range inputs {
		for m.fed-m.taken == len(m.cells) {
			m.wait(&m.room)
		}
		c := m.at(m.fed)
		c.input, c.extra = input, m.place()
		m.fed++
		m.summon()
	}
}

// place takes a place for a job. A consumer that has one itself must not wait for all of them: then one
// job at a time has none.
func (m *mapping[A, R]) place() (extra bool) {
	for !m.pool.try() {
		switch {
		case !m.inside:
			m.pool.take("green.Map")
			return false
		case m.extras == 0:
			m.extras++
			return true
		}
		m.wait(&m.room)
	}
	return false
}

func (m *mapping[A, R]) wait(q *corolla.Waiters) {
	m.pool.hub.wait("green.Map", func(t *corolla.Task) error {
		_, err := q.Wait(t, "a Map")
		return err
	})
}

// next waits for the next result, if there is one to come.
func (m *mapping[A, R]) next() bool {
	for m.taken == m.fed || !m.at(m.taken).done {
		if m.over && m.taken == m.fed {
			return false
		}
		m.wait(&m.results)
	}
	return true
}

// summon sees to it that a worker comes.
func (m *mapping[A, R]) summon() {
	if m.coming {
		return
	}
	m.coming = true
	if m.idle.Wake() == nil {
		m.pool.hub.Go(m.work, corolla.Describe(m.f, nil)).Link(m.ended)
	}
}

// work runs jobs.
func (m *mapping[A, R]) work() error {
	t := m.pool.hub.Task()
	m.pool.joined(t)
	defer m.pool.left(t, true)
	for {
		m.coming = false
		for m.begun < m.fed {
			c := m.begin()
			if m.begun < m.fed {
				m.summon() // for this job may wait
			}
			m.run(t, c)
			m.pool.hub.wait("green.Map", (*corolla.Task).Checkpoint)
		}
		if m.over {
			return nil
		}
		m.wait(&m.idle)
	}
}

func (m *mapping[A, R]) begin() *cell[A, R] {
	m.begun++
	return m.at(m.begun - 1)
}

func (m *mapping[A, R]) run(t *corolla.Task, c *cell[A, R]) {
	c.err = corolla.ErrGoexit
	defer func() {
		defer m.finish(c)
		switch v := recover(); {
		case corolla.IsUnwinding(v):
			c.err = t.Scope().Canceled()
			panic(v)
		case v != nil:
			c.err = m.pool.hub.loop.Caught(v, t.String())
		}
	}()
	c.value, c.err = m.f(c.input)
}

// finish is the end of a job.
func (m *mapping[A, R]) finish(c *cell[A, R]) {
	c.done = true
	if c.extra {
		m.extras--
		m.room.Wake()
	} else {
		m.pool.release()
	}
	switch {
	case m.left && c.err != nil:
		m.lost(c.err)
	case c == m.at(m.taken):
		m.results.Wake()
	}
}

// ended is the end of a worker. If one was ended before it began, what it was to do first fails.
func (m *mapping[A, R]) ended(worker *Thread[struct{}]) {
	_, err := worker.Result()
	m.coming = false
	if m.begun < m.fed && !worker.Started() {
		c := m.begin()
		c.err = err
		m.finish(c)
	}
	if m.begun < m.fed {
		m.summon()
	}
}

// leave is the end of the loop over the results.
func (m *mapping[A, R]) leave(feeder *Thread[struct{}]) {
	m.left = true
	feeder.Kill(nil)
	for n := m.taken; n < m.begun; n++ {
		if c := m.at(n); c.done && c.err != nil {
			m.lost(c.err)
		}
	}
	for m.begun < m.fed {
		m.finish(m.begin())
	}
}

// lost reports an error that nobody comes for.
func (m *mapping[A, R]) lost(err error) {
	if !harmless(err) {
		m.pool.hub.loop.Report(&corolla.UnseenError{Err: err, Where: "a job of a Map that was left"})
	}
}
