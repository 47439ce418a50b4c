package sim

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
)

// EventKind says what an Event reports.
type EventKind string

// What a consumer of events is told.
const (
	Call     EventKind = "call"     // what a loop asked of its machine, or was told by it
	Sent     EventKind = "send"     // bytes, a datagram or a connection attempt left for the peer
	Arrived  EventKind = "arrive"   // what was sent has arrived
	Lost     EventKind = "lose"     // what was sent will not arrive
	WasReset EventKind = "reset"    // a connection was reset at this host
	Struck   EventKind = "fault"    // a fault has begun
	Over     EventKind = "over"     // a fault has ended
	Crashed  EventKind = "crash"    // the host has crashed, or lost its power
	Started  EventKind = "start"    // a program has started on the host
	Ended    EventKind = "end"      // a program has returned
	Woken    EventKind = "wake"     // another loop or goroutine woke a loop of this host
	Stuck    EventKind = "stuck"    // a task of a deadlock, and what it is parked on
	Marked   EventKind = "mark"     // the program said so; see World.Mark
	Deadlock EventKind = "deadlock" // nothing more can happen
	TaskIs   EventKind = "task"     // a task is parked on something else than before; see World.ObserveTasks
)

// Event is one thing that happened in a World.
type Event struct {
	Time time.Duration // since the World began, on the clock of the host
	Host string        // where it happened; "" is the World, or the host of World.NewLoop
	Kind EventKind
	Peer string // the other host, of what goes from one to another
	Task string // of TaskIs: which task
	Conn uint64 // which connection or datagram, the same number at both ends; 0 is none
	Text string
	Data string // the first bytes of what was sent; no part of String, as those of TLS differ from run to run
}

func (e Event) String() string {
	s := fmt.Sprintf("%12v ", e.Time)
	if e.Host != "" {
		s += e.Host + ": "
	}
	if e.Kind != Call {
		s += string(e.Kind) + " "
	}
	if e.Peer != "" {
		s += e.Peer + " "
	}
	if e.Conn != 0 {
		s += fmt.Sprintf("#%d ", e.Conn)
	}
	if e.Task != "" {
		s += e.Task + ": "
	}
	return strings.TrimRight(s+e.Text, " ")
}

// Observe calls f for every event of these kinds, or of all if there are none, as it happens. f runs on
// whichever goroutine the World is on at the moment, one call at a time, and must not touch the World.
// Call it before anything runs. Events cost time, which a World does not spend if nobody observes it, or if
// only what programs say of themselves (Marked, Reached, Broken) is observed.
func (w *World) Observe(f func(Event), kinds ...EventKind) {
	w.observers = append(w.observers, observer{f, slices.Clone(kinds)})
	said := func(k EventKind) bool { return k == Marked || k == Reached || k == Broken }
	if len(kinds) == 0 || slices.ContainsFunc(kinds, func(k EventKind) bool { return !said(k) }) {
		w.all = true
	}
}

// ObserveTasks adds events that say what each task does: "parked on …", "ready" or "ended". A task is
// looked at when its loop waits, so of what it does in between only the end shows. It costs a look at
// every task in every turn. Call it before anything runs.
func (w *World) ObserveTasks() { w.tasks = true }

// watchTasks makes events of the tasks that do something else than when they were last looked at.
func watchTasks(m *machine) {
	now := map[*corolla.Task]string{}
	say := func(task *corolla.Task, does string) {
		m.emit(Event{Time: m.local(), Host: m.host.name, Kind: TaskIs, Task: task.String(), Text: does})
	}
	for _, t := range m.loop.Tasks() {
		does := "ready"
		if t.On != "" {
			does = "parked on " + t.On
		}
		if now[t.Task] = does; m.seen[t.Task] != does {
			say(t.Task, does)
		}
		delete(m.seen, t.Task)
	}
	gone := slices.SortedFunc(maps.Keys(m.seen), func(a, b *corolla.Task) int { return cmp.Compare(a.String(), b.String()) })
	for _, t := range gone {
		say(t, "ended")
	}
	m.seen = now
}

// Trace writes a line to out for everything that the loops ask of their machines, and, between
// hosts, for everything that is on its way. The same program with the same seed and the same faults
// writes the same lines.
func Trace(out io.Writer) Option { return func(c *config) { c.trace = out } }

// Mark makes an event of something that the program has to say, such as that it has recovered.
func (w *World) Mark(text string) { w.emit(Event{Kind: Marked, Text: text}) }

// audience is who hears of events.
type audience struct {
	observers []observer
	all       bool // events are made, and not only those that programs ask for
	tasks     bool // are looked at
}

type observer struct {
	hear  func(Event)
	kinds []EventKind // all if there are none
}

func (a *audience) observed() bool { return a.all }

// tells reports whether anybody hears of events of a kind.
func (a *audience) tells(kind EventKind) bool {
	return slices.ContainsFunc(a.observers, func(o observer) bool { return o.wants(kind) })
}

func (o *observer) wants(kind EventKind) bool {
	return len(o.kinds) == 0 || slices.Contains(o.kinds, kind)
}

func (w *World) emit(e Event) {
	if e.Time == 0 {
		e.Time = w.Now()
	}
	for _, o := range w.observers {
		if o.wants(e.Kind) {
			o.hear(e)
		}
	}
}
