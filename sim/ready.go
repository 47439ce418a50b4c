package sim

import (
	"slices"

	"github.com/corolla-go/corolla/internal/host"
)

// reports are what a loop is to be told of its descriptors.
type reports struct {
	host   *Host
	edges  []*desc // with unreported readiness, oldest first
	levels []*desc // watched for as long as readiness lasts
}

// pending reports whether something is to be reported, and forgets edges that nobody wants.
func (r *reports) pending() bool {
	for _, d := range r.edges {
		if d.edge&d.wanted() != 0 && r.host.at(d.fd) == d {
			return true
		}
		d.edge = 0
	}
	r.edges = r.edges[:0]
	for _, d := range r.levels {
		if d.level()&d.wanted() != 0 {
			return true
		}
	}
	return false
}

// collect reports edges in the order they arose, and then whatever else is ready among the
// descriptors that are watched by level.
func (r *reports) collect(buf []host.Event) (n int) {
	taken := 0
	for _, d := range r.edges {
		if n == len(buf) {
			break
		}
		taken++
		if what := d.edge & d.wanted(); what != 0 && r.host.at(d.fd) == d {
			buf[n] = host.Event{FD: d.fd, Ready: what}
			n++
		}
		d.edge = 0
	}
	r.edges = slices.Delete(r.edges, 0, taken)
	for _, d := range r.levels {
		if what := d.level() & d.wanted(); what != 0 && n < len(buf) {
			buf[n] = host.Event{FD: d.fd, Ready: what}
			n++
		}
	}
	return n
}

func (m *machine) Watch(fd host.FD, want host.Interest) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	d.unlevel()
	d.want, d.by = want, m
	if want&host.Edge == 0 {
		m.levels = append(m.levels, d)
	} else if r := d.level(); r != 0 {
		d.raise(r)
	}
	return nil
}

func (m *machine) Unwatch(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	d.unlevel()
	d.want, d.edge = 0, 0
	return nil
}

func (d *desc) unlevel() {
	if m := d.by; m != nil {
		if i := slices.Index(m.levels, d); i >= 0 {
			m.levels = slices.Delete(m.levels, i, i+1)
		}
	}
}

// raise records an edge.
func (d *desc) raise(r host.Ready) {
	if d.want&host.Edge == 0 {
		return
	}
	if d.edge == 0 {
		d.by.edges = append(d.by.edges, d)
	}
	d.edge |= r
}

func readyString(r host.Ready) string {
	s := []byte("---")
	for i, c := range []byte("rwh") {
		if r&(1<<i) != 0 {
			s[i] = c
		}
	}
	return string(s)
}

// wake is whether a loop was woken since its last wait. Guarded by World.mu.
type wake struct{ woken bool }

func (m *machine) Wake() {
	m.mu.Lock()
	m.wake.woken, m.stirred = true, true
	m.mu.Unlock()
	m.cond.Broadcast()
}

func (k *wake) is(w *World) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return k.woken
}

func (k *wake) take(w *World) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := k.woken
	k.woken = false
	return was
}
