package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
)

// driver is a goroutine that drives the World until something is so.
type driver struct {
	place
	world *World
	done  func() bool   // nil is never
	until time.Duration // or this time is over; -1 is none
	err   error
}

func (d *driver) over() bool {
	return d.err != nil || d.until >= 0 && d.world.now > d.until || d.done != nil && d.done()
}

// ready leaves it to choose, which lets everybody else go first.
func (d *driver) ready() bool { return false }

// due leaves it to advance.
func (d *driver) due() time.Duration { return -1 }

func (w *World) drive(done func() bool, until time.Duration) error {
	d := &driver{world: w, done: done, until: until}
	w.mu.Lock()
	if w.driver != nil {
		w.mu.Unlock()
		panic("sim: the World is driven already; programs that run in it must not drive it")
	}
	w.driver = d
	w.enter(d)
	w.driver, w.holder = nil, nil
	w.mu.Lock()
	w.free = true
	w.mu.Unlock()
	return d.err
}

// Run drives the World until every program on a host that is up, or will be, has returned. It returns
// their errors, and *DeadlockError or *LimitError as RunUntil does.
func (w *World) Run() error {
	if err := w.drive(w.allEnded, -1); err != nil {
		return err
	}
	var errs []error
	for _, h := range w.hosts {
		for _, p := range h.programs {
			if err := p.Err(); err != nil && !errors.Is(err, ErrCrashed) {
				errs = append(errs, fmt.Errorf("%s: %w", h.name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (w *World) allEnded() bool {
	for _, h := range w.hosts {
		if h.lives > 0 || h.restarts > 0 {
			return false
		}
	}
	return true
}

// RunUntil drives the World until cond is true; it is asked after each turn of a loop, and must not
// call methods of loops. It returns a *DeadlockError if nothing more can happen before that, and a
// *LimitError once limit has passed since the call, or the World's own; a limit of 0 is none. Then the
// World stands still, and can be driven on.
func (w *World) RunUntil(cond func() bool, limit time.Duration) error {
	until := time.Duration(-1)
	if limit > 0 {
		until = w.now + limit
	}
	met := false
	err := w.drive(func() bool {
		met = met || cond()
		return met
	}, until)
	if err == nil && !met && !cond() {
		return &LimitError{At: w.now, Hosts: report(w)}
	}
	return err
}

// Advance drives the World for d. If nothing more can happen it only moves the clock.
func (w *World) Advance(d time.Duration) {
	until := w.now + max(d, 0)
	if err := w.drive(nil, until); err != nil {
		w.now = max(w.now, until)
	}
}

// Close cuts the power of all hosts, and waits until nothing is left of the programs that they run:
// each task is ended as in Loop.Close. The World can still be looked at.
func (w *World) Close() {
	for _, h := range w.hosts {
		h.restarts = 0
		h.fall(true)
		h.programs = nil
	}
	w.config.limit = 0
	_ = w.drive(w.allEnded, -1)
}

// Waiting is what a host still had to do when a World stood still.
type Waiting struct {
	Host  string
	Tasks []string // each with what it is parked on
}

// DeadlockError says that nothing more can happen in a World, although somebody waits for something.
type DeadlockError struct {
	At    time.Duration
	Hosts []Waiting
}

func (e *DeadlockError) Error() string {
	return fmt.Sprintf("sim: nothing more can happen at %v%s", e.At, list(e.Hosts))
}

// Unwrap returns an error for which errors.Is reports what it is.
func (e *DeadlockError) Unwrap() error { return host.ErrDeadlock }

// LimitError says that a World has lasted too long.
type LimitError struct {
	At    time.Duration
	Hosts []Waiting
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("sim: not over at the limit, %v%s", e.At, list(e.Hosts))
}

var errLimit = errors.New("limit")

func list(hosts []Waiting) string {
	var b strings.Builder
	for _, h := range hosts {
		for _, task := range h.Tasks {
			b.WriteString("\n\t")
			if h.Host != "" {
				b.WriteString(h.Host + ": ")
			}
			b.WriteString(task)
		}
	}
	return b.String()
}

// fail tells those who wait that nothing more can happen, or may: whoever drives the World, or else
// the loops.
func (w *World) fail(err error) {
	var hosts []Waiting
	if w.driver != nil || w.observed() || err == errLimit {
		hosts = report(w)
	}
	if w.observed() {
		reportEvents(w, err, hosts)
	}
	switch {
	case err == errLimit:
		err = &LimitError{w.now, hosts}
	case w.driver != nil:
		err = &DeadlockError{w.now, hosts}
	}
	if w.driver != nil {
		w.driver.err = err
		return
	}
	for _, p := range w.waiting {
		if m, ok := p.(*machine); ok && m.failed == nil {
			m.failed = err
		}
	}
}

func reportEvents(w *World, err error, hosts []Waiting) {
	if w.home != nil && len(w.hosts) == 1 && errors.Is(err, host.ErrDeadlock) {
		w.emit(Event{Kind: Call, Text: "deadlock"})
		return
	}
	if errors.Is(err, host.ErrDeadlock) {
		w.emit(Event{Kind: Deadlock})
	} else {
		w.emit(Event{Kind: Deadlock, Text: "the limit"})
	}
	for _, h := range hosts {
		for _, task := range h.Tasks {
			w.emit(Event{Host: h.Host, Kind: Stuck, Text: task})
		}
	}
}

// report lists the tasks of all loops, host by host. Each loop is asked on its own goroutine.
func report(w *World) (hosts []Waiting) {
	for _, h := range w.hosts {
		at := Waiting{Host: h.name}
		for _, m := range h.machines {
			if m.loop == nil || !slices.Contains(w.waiting, waiter(m)) {
				continue
			}
			w.asks(m, func() {
				for _, t := range m.loop.Tasks() {
					at.Tasks = append(at.Tasks, m.which()+stateOf(t, m))
				}
			})
		}
		if len(at.Tasks) > 0 {
			hosts = append(hosts, at)
		}
	}
	return hosts
}

// stateOf is TaskInfo.String by the World's clock: that of a loop that waits has stood still since.
func stateOf(t corolla.TaskInfo, m *machine) string {
	if t.On == "" {
		return t.String()
	}
	return fmt.Sprintf("%v, parked on %s for %v", t.Task, t.On, m.local()-t.Since)
}
