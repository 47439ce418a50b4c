package green

import (
	"iter"

	"github.com/corolla-go/corolla"
)

// A separate thread takes the inputs, so that they may come slowly while results are consumed, and
// a place in the pool for each. As few threads as possible run the jobs: one goes on to the next
// job as long as its jobs do not wait. A thread for each job would be simpler, and cost several
// times as much for small jobs.

// Map calls f for each input, in threads of the pool, and yields the results in the order of the
// inputs. A call that fails or panics yields its error in its place, and the rest go on. The inputs
// taken are ahead of the results consumed by at most the pool's size at the start plus one.
// (Eventlet's imap.)
//
// The sequence must be consumed in a green thread. When the loop over it is left early, no more
// inputs are taken; jobs that have begun finish, and their errors reach the error handler.
func Map[A, R any](p *Pool, inputs iter.Seq[A], f func(A) (R, error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		t := p.hub.current("green.Map")
		m := &mapping[A, R]{pool: p, f: f, cells: make([]cell[A, R], p.size+1), inside: p.members[t]}
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
			panic(err) // the inputs panicked
		}
	}
}

// mapping is one Map in progress. Inputs are numbered, and taken <= begun <= fed.
type mapping[A, R any] struct {
	pool   *Pool
	f      func(A) (R, error)
	cells  []cell[A, R] // of the inputs from taken to fed
	fed    int          // inputs taken from the sequence
	begun  int          // jobs begun
	taken  int          // results consumed
	extras int          // jobs without a place in the pool
	inside bool         // the consumer is a thread of the pool
	coming bool         // a worker was started or woken, and has not run yet
	over   bool         // there are no more inputs
	left   bool         // the consumer is gone

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

// feed takes the inputs from the sequence.
func (m *mapping[A, R]) feed(inputs iter.Seq[A]) {
	for input := range inputs {
		c := m.at(m.fed)
		c.input, c.extra = input, m.place()
		m.fed++
		m.summon()
		for m.fed-m.taken == len(m.cells) {
			m.wait(&m.room)
		}
	}
}

// place takes a place for a job. A consumer in the pool has a place itself and must not wait for
// all of them, so one job at a time then runs without.
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

// next waits for the next result, and reports false if there are no more.
func (m *mapping[A, R]) next() bool {
	for m.taken == m.fed || !m.at(m.taken).done {
		if m.over && m.taken == m.fed {
			return false
		}
		m.wait(&m.results)
	}
	return true
}

// summon makes sure that a worker will run.
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
				m.summon() // this job may wait
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

// finish ends a job.
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

// ended is called when a worker has ended. If it ended before it began, the job it was started for
// fails.
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

// leave is called when the loop over the results ends.
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

// lost reports an error that will not be consumed.
func (m *mapping[A, R]) lost(err error) {
	if !harmless(err) {
		m.pool.hub.loop.Report(&corolla.UnseenError{Err: err, Where: "a job of a Map that was left"})
	}
}
