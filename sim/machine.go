package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
)

// machine is a host as one of its loops sees it.
type machine struct {
	*World
	place
	reports
	absent
	porter
	wake wake
	life *life         // of the program that made the loop, if the World runs it
	loop *corolla.Loop // nil in tests of the contract
	n    int           // the loop's number on its host, from 1

	until    time.Duration // of the Wait in progress
	spins    int           // consecutive turns in which the loop did not wait
	ahead    time.Duration // the host's clock, if that is later than the World's
	contexts contexts
	jobs     uint64

	seen map[*corolla.Task]string // what they did when they were last looked at

	fresh  bool // was never run
	polled bool // Wait has just returned
	inside bool // between Running(true) and Running(false), or closing
	closed bool
	dead   bool          // the host has crashed
	died   time.Duration // when
	failed error         // what Wait returns next
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

// Recent is called after each callback, and sometimes after Wait.
func (m *machine) Recent() time.Duration {
	m.host.burn(m)
	if m.host.cost > 0 {
		m.ahead = m.local() + m.host.cost
	}
	return m.local()
}

func (absent) Guard(time.Duration, func(time.Duration, func() bool)) (stop func()) {
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
			m.ahead = m.local() + spinTick
			if m.host == m.home {
				m.now = m.ahead
			}
		}
	} else {
		m.spins = 0
	}
	m.until = until
	if m.World.tasks && m.loop != nil && m.observed() {
		watchTasks(m)
	}
	m.pass(m)
	m.polled = true
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
	if n == 0 && m.wake.take(m.World) && m.host != m.home && m.observed() {
		m.emit(Event{Time: m.local(), Host: m.host.name, Kind: Woken, Text: m.which()})
	}
	return n, nil
}

// ready reports whether Wait would return.
func (m *machine) ready() bool {
	if m.failed != nil {
		return true
	}
	if m.ahead > m.now {
		return false
	}
	m.contexts.look(m)
	return m.pending() || m.wake.is(m.World) || m.until >= 0 && m.until <= m.now
}

func (m *machine) due() time.Duration {
	if m.ahead > m.now {
		return m.ahead
	}
	return m.until
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
