package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/ds"
	"github.com/corolla-go/corolla/internal/host"
)

// machine is a host as one of its loops sees it.
type machine struct {
	*World
	place
	porter
	host *Host
	life *life         // of the program that made the loop, if the World runs it
	loop *corolla.Loop // nil in tests of the contract
	n    int           // the loop's number on its host, from 1

	until    time.Duration // of the Wait in progress
	spins    int           // consecutive turns in which the loop did not wait
	ahead    time.Duration // the host's clock, if that is later than the World's
	edges    []*desc       // with unreported readiness, oldest first
	levels   []*desc       // watched for as long as readiness lasts
	contexts ds.List[waitFor]
	jobs     uint64

	fresh  bool // was never run
	inside bool // between Running(true) and Running(false), or closing
	closed bool
	dead   bool          // the host has crashed
	died   time.Duration // when
	failed error         // what Wait returns next

	woken bool // guarded by mu
}

var _ host.Host = (*machine)(nil)

// ErrCrashed is the error of what a crashed host was doing.
var ErrCrashed = errors.New("sim: the host has crashed")

// A loop that always has something ready never waits, so the clock would stand
// still for ever. After spinLimit such turns each further one takes spinTick.
const (
	spinLimit = 64
	spinTick  = 10 * time.Microsecond
)

func (m *machine) Epoch() time.Time { return m.config.epoch.Add(m.host.stepped) }

// local is the host's clock. It is ahead of the World's while a turn takes time.
func (m *machine) local() time.Duration { return max(m.now, m.ahead) }

func (m *machine) Now() time.Duration { return m.local() }

// Recent is called after each callback.
func (m *machine) Recent() time.Duration {
	if m.host.cost > 0 {
		m.ahead = m.local() + m.host.cost
	}
	return m.local()
}

func (m *machine) Guard(time.Duration, func(time.Duration, func() bool)) (stop func()) {
	return func() {}
}

// Running is where a loop's goroutine begins, and ceases, to take part.
func (m *machine) Running(on bool) {
	if on {
		m.enter()
	} else {
		m.leave()
	}
}

func (m *machine) enter() {
	if m.holds {
		return
	}
	m.mu.Lock()
	if m.fresh {
		m.fresh = false
		m.missing--
	}
	m.inside = true
	m.life.entered(m.World)
	m.until = 0
	m.World.enter(m)
}

func (m *machine) leave() {
	if !m.inside {
		return
	}
	m.inside = false
	m.mu.Lock()
	m.life.left(m.World)
	m.mu.Unlock()
	m.World.leave(m)
}

func (m *machine) Close() error {
	m.enter()
	m.closed = true
	m.host.machines = slices.DeleteFunc(m.host.machines, func(o *machine) bool { return o == m })
	m.leave()
	return nil
}

func (m *machine) Wait(buf []host.Event, until time.Duration) (int, error) {
	m.enter()
	if until >= 0 && until <= m.local() {
		if m.spins++; m.spins > spinLimit {
			m.spin()
		}
	} else {
		m.spins = 0
	}
	m.until = until
	m.pass(m)
	if m.failed != nil {
		err := m.failed
		if !m.dead {
			m.failed = nil
		}
		return 0, err
	}
	n := m.collect(buf)
	for _, ev := range buf[:n] {
		m.tracef("event fd=%d %s", ev.FD, readyString(ev.Ready))
	}
	if n == 0 && m.takeWake() && m.host != m.home && m.observed() {
		m.emit(Event{Time: m.local(), Host: m.host.name, Kind: Woken, Text: m.which()})
	}
	return n, nil
}

func (m *machine) spin() {
	if m.host == m.home {
		m.World.now += spinTick
	} else {
		m.ahead = m.local() + spinTick
	}
}

// ready reports whether Wait would return.
func (m *machine) ready() bool {
	if m.failed != nil {
		return true
	}
	if m.ahead > m.now {
		return false
	}
	m.lookAtContexts()
	return m.pending() || m.hasWoken() || m.until >= 0 && m.until <= m.now
}

func (m *machine) due() time.Duration {
	if m.ahead > m.now {
		return m.ahead
	}
	return m.until
}

// pending reports whether something is to be reported, and forgets edges that nobody wants.
func (m *machine) pending() bool {
	for _, d := range m.edges {
		if d.edge&d.wanted() != 0 && m.host.at(d.fd) == d {
			return true
		}
		d.edge = 0
	}
	m.edges = m.edges[:0]
	for _, d := range m.levels {
		if d.level()&d.wanted() != 0 {
			return true
		}
	}
	return false
}

// collect reports edges in the order they arose, and then whatever else is ready among the
// descriptors that are watched by level.
func (m *machine) collect(buf []host.Event) (n int) {
	taken := 0
	for _, d := range m.edges {
		if n == len(buf) {
			break
		}
		taken++
		if r := d.edge & d.wanted(); r != 0 && m.host.at(d.fd) == d {
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

func (m *machine) Wake() {
	m.mu.Lock()
	m.woken, m.stirred = true, true
	m.mu.Unlock()
	m.cond.Broadcast()
}

func (m *machine) hasWoken() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.woken
}

func (m *machine) takeWake() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.woken
	m.woken = false
	return was
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

// which names the loop among those of its host, if there are several.
func (m *machine) which() string {
	if m.host.loops < 2 {
		return ""
	}
	return fmt.Sprintf("loop %d: ", m.n)
}

func (m *machine) tracef(format string, args ...any) {
	if m.observed() {
		m.emit(Event{Time: m.local(), Host: m.host.name, Kind: Call, Text: m.which() + fmt.Sprintf(format, args...)})
	}
}
