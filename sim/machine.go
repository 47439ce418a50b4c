package sim

import (
	"slices"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// machine is the World as the loop sees it.
type machine struct {
	*World
	porter
}

func (w *World) machine() machine { return machine{w, porter{w}} }

var _ host.Host = machine{}

// A loop that always has something ready never waits, so the clock would stand
// still for ever. After spinLimit such turns each further one takes spinTick.
const (
	spinLimit = 64
	spinTick  = 10 * time.Microsecond
)

func (m machine) Epoch() time.Time { return m.config.epoch }

func (m machine) Recent() time.Duration { return m.now }

func (m machine) Guard(time.Duration, func(time.Duration, func() bool)) (stop func()) {
	return func() {}
}

func (m machine) Wait(buf []host.Event, until time.Duration) (int, error) {
	if until >= 0 && until <= m.now {
		if m.spins++; m.spins > spinLimit {
			m.now += spinTick
		}
	} else {
		m.spins = 0
	}
	for {
		for m.agenda.Len() > 0 && m.agenda.Min().when <= m.now {
			m.agenda.Pop().act()
		}
		m.lookAtContexts()
		if n := m.collect(buf); n > 0 {
			for _, ev := range buf[:n] {
				m.tracef("event fd=%d %s", ev.FD, readyString(ev.Ready))
			}
			return n, nil
		}
		if m.takeWake() || until >= 0 && until <= m.now {
			return 0, nil
		}
		switch {
		case m.agenda.Len() > 0 && (until < 0 || m.agenda.Min().when <= until):
			m.now = m.agenda.Min().when
		case until >= 0:
			if !m.pace(until - m.now) { // else a goroutine outside was quicker
				m.now = until
			}
		case !m.awaitOutsiders():
			m.tracef("deadlock")
			return 0, host.ErrDeadlock
		}
	}
}

// collect reports edges in the order they arose, and then whatever else is ready among the
// descriptors that are watched by level.
func (m machine) collect(buf []host.Event) (n int) {
	taken := 0
	for _, d := range m.edges {
		if n == len(buf) {
			break
		}
		taken++
		if r := d.edge & d.wanted(); r != 0 && m.fds[d.fd] == d {
			buf[n] = host.Event{FD: d.fd, Ready: r}
			n++
		}
		d.edge = 0
	}
	m.edges = slices.Delete(m.edges, 0, taken)
	for _, d := range m.levels {
		if r := d.level() & d.wanted(); r != 0 && n < len(buf) {
			buf[n] = host.Event{FD: d.fd, Ready: r}
			n++
		}
	}
	return n
}

func (m machine) Wake() {
	m.mu.Lock()
	m.woken = true
	m.mu.Unlock()
	m.cond.Broadcast()
}

func (m machine) takeWake() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.woken
	m.woken = false
	return was
}

// awaitOutsiders waits until a goroutine given to Outside has woken the loop or
// ended. It returns false when there is none.
func (m machine) awaitOutsiders() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.outsiders == 0 {
		return m.woken // the last may have woken the loop as it ended
	}
	for n := m.outsiders; !m.woken && m.outsiders == n; {
		m.cond.Wait()
	}
	return true
}

func (m machine) Watch(fd host.FD, want host.Interest) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	m.unlevel(d)
	d.want = want
	if want&host.Edge == 0 {
		m.levels = append(m.levels, d)
	} else if r := d.level(); r != 0 {
		m.raise(d, r)
	}
	return nil
}

func (m machine) Unwatch(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	m.unlevel(d)
	d.want, d.edge = 0, 0
	return nil
}

func (w *World) unlevel(d *desc) {
	if i := slices.Index(w.levels, d); i >= 0 {
		w.levels = slices.Delete(w.levels, i, i+1)
	}
}

// raise records an edge.
func (w *World) raise(d *desc, r host.Ready) {
	if d.want&host.Edge == 0 {
		return
	}
	if d.edge == 0 {
		w.edges = append(w.edges, d)
	}
	d.edge |= r
}

func (m machine) Close() error { return nil }

func readyString(r host.Ready) string {
	s := []byte("---")
	for i, c := range []byte("rwh") {
		if r&(1<<i) != 0 {
			s[i] = c
		}
	}
	return string(s)
}
