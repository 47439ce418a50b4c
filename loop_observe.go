package corolla

import (
	"cmp"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The observer pays: the lists are made on request, from what the loop needs anyway, and nothing is
// counted or recorded for them. That includes a task's stack. Picking it out of a dump of all
// goroutines was rejected: that stops the world for a time that grows with their number, and only a
// printed pointer would tell which one is the task's. Instead the task's coroutine is resumed just
// long enough to record where it is.

// TaskInfo describes a task that has not ended.
type TaskInfo struct {
	Task    *Task
	Name    string
	Started string        // the body's function, and where that is
	About   fmt.Stringer  // what it is for, such as a connection; nil unless set with Describe
	On      string        // what it is parked on; empty if it is not parked
	Since   time.Duration // when it was parked, on the loop's clock
}

func (i TaskInfo) String() string {
	if i.On == "" {
		return i.Task.String() + ", ready"
	}
	return fmt.Sprintf("%v, parked on %s for %v", i.Task, i.On, i.Task.loop.now-i.Since)
}

// Tasks returns all tasks of the loop that have not ended, oldest first.
func (l *Loop) Tasks() []TaskInfo {
	l.check("Tasks")
	infos := make([]TaskInfo, 0, l.tasks.Len())
	for k := l.tasks.First(); k != nil; k = k.Next() {
		infos = append(infos, k.Value.Info())
	}
	return infos
}

// Current returns the task that is running, or nil in a callback.
func (l *Loop) Current() *Task {
	l.check("Current")
	return l.current
}

// Info describes the task, even after it has ended.
func (t *Task) Info() TaskInfo {
	t.loop.check("Task.Info")
	i := TaskInfo{Task: t, Name: t.Name(), Started: t.Started()}
	if t.about != nil {
		i.About = t.about.about
	}
	if t.phase == parked {
		i.On, i.Since = fmt.Sprint(t.on), t.since
	}
	return i
}

// Stack returns the task's current calls, innermost first, and no more than the innermost 64. It is
// empty for a task that has not begun or has ended, and for one that is waiting for a task it resumed
// itself, such as an Eager one that it is starting. For a task that waits in a generator it is the
// generator's. The task does not notice; the call takes some microseconds.
func (i TaskInfo) Stack() []runtime.Frame {
	t := i.Task
	t.loop.check("TaskInfo.Stack")
	var s snapshot
	switch {
	case t == t.loop.current:
		s.take()
	case t.phase == parked || t.phase == woken:
		on := t.on
		t.on = &s
		t.co.next() // showStack is the other half
		t.on = on
	}
	return s.calls()
}

// snapshot records where a task is.
type snapshot struct {
	pcs [64]uintptr
	n   int
}

// take records the callers of the function that calls it.
//
//go:noinline
func (s *snapshot) take() { s.n = runtime.Callers(3, s.pcs[:]) }

// calls returns the calls made from a task's body.
func (s *snapshot) calls() (calls []runtime.Frame) {
	frames := runtime.CallersFrames(s.pcs[:s.n])
	for more := s.n > 0; more; {
		var f runtime.Frame
		if f, more = frames.Next(); strings.HasSuffix(f.Function, "corolla.(*Task).body") {
			break // the rest is the loop's
		}
		calls = append(calls, f)
	}
	return calls
}

// TimerInfo describes a timer that is set.
type TimerInfo struct {
	When time.Duration // when it is due, on the loop's clock
	Task *Task         // whose sleep or deadline it is; nil for a callback
	What string        // "a sleep", "a deadline", or the callback's function and where that is
}

// Timers returns all timers of the loop that are set, soonest first.
func (l *Loop) Timers() []TimerInfo {
	l.check("Timers")
	timers := slices.SortedFunc(l.timers.All(), func(a, b *Timer) int {
		return cmp.Or(cmp.Compare(a.when, b.when), cmp.Compare(a.seq, b.seq))
	})
	infos := make([]TimerInfo, len(timers))
	for i, t := range timers {
		infos[i] = t.info()
	}
	return infos
}

func (t *Timer) info() TimerInfo {
	i := TimerInfo{When: t.when}
	switch what := t.what.(type) {
	case *Task:
		i.Task, i.What = what, "a sleep"
	case *Scope:
		i.Task, i.What = what.task, "a deadline"
	case callback:
		i.What = function(what) + registered(t.site)
	}
	return i
}

// SocketInfo describes an open socket or a watched descriptor. For the latter only the number and
// the callbacks are known.
type SocketInfo struct {
	Socket      *Socket // nil for a descriptor watched by Loop.Watch
	FD          int
	Local, Peer net.Addr // nil where there is none
	Unsent      int      // bytes waiting in its Outbox

	// The tasks that wait for it, or for room in its Outbox: the first, if several do. Nil if none.
	Reader, Writer *Task
	// The functions called when it is ready, and where they are. Empty if none.
	OnReadable, OnWritable string
}

// Sockets returns the loop's open sockets and watched descriptors, ordered by descriptor number. An
// address that only the system knows costs a system call.
func (l *Loop) Sockets() []SocketInfo {
	l.check("Sockets")
	var infos []SocketInfo
	for fd, w := range l.fds {
		switch w := w.(type) {
		case *Socket:
			infos = append(infos, socketInfo(w))
		case *Watch:
			i := SocketInfo{FD: fd}
			called := function(w.r.callback.f) + registered(w.r.callback.site)
			if w.want&Readable != 0 {
				i.OnReadable = called
			}
			if w.want&Writable != 0 {
				i.OnWritable = called
			}
			infos = append(infos, i)
		}
	}
	return infos
}

func socketInfo(s *Socket) SocketInfo {
	i := SocketInfo{Socket: s, FD: int(s.fd), Local: s.LocalAddr(), Peer: s.PeerAddr()}
	i.Reader, i.OnReadable = s.r.used()
	i.Writer, i.OnWritable = s.w.used()
	if s.out != nil {
		i.Unsent = s.out.size
		if first := s.out.waiting.line.First(); first != nil {
			i.Writer, _ = first.Value.(*Task)
		}
	}
	return i
}

// used returns the task that waits for a direction of a socket, and the callback for it.
func (d *direction) used() (waiter *Task, call string) {
	if c := d.callback; c != nil {
		call = function(c.f) + registered(c.site)
	}
	return d.waiter, call
}

// WorkersInfo describes the Workers with a given name.
type WorkersInfo struct {
	Name string // empty for those of Offload
	WorkersStats
}

// AllWorkers returns all Workers that were ever asked for, sorted by name.
func (l *Loop) AllWorkers() []WorkersInfo {
	l.check("AllWorkers")
	infos := make([]WorkersInfo, 0, len(l.workers))
	for name, w := range l.workers {
		infos = append(infos, WorkersInfo{name, w.Stats()})
	}
	slices.SortFunc(infos, func(a, b WorkersInfo) int { return cmp.Compare(a.Name, b.Name) })
	return infos
}

// LoopStats counts what a loop holds. When nothing is in progress every number is 0; one that keeps
// growing is a leak.
type LoopStats struct {
	Tasks     int // that have not ended
	Timers    int // that are set: callbacks, sleeps and deadlines
	Sockets   int // open sockets and watched descriptors
	Waits     int // tasks and callbacks that wait for a socket
	Callbacks int // OnDone callbacks of pending futures
	Contexts  int // that tasks are attached to
	OnClose   int // callbacks registered with OnClose
	Jobs      int // running on other goroutines, or waiting to
	Closed    bool
}

// Stats returns what the loop holds. It looks at every socket.
func (l *Loop) Stats() LoopStats {
	l.check("Stats")
	s := LoopStats{
		Tasks: l.tasks.Len(), Timers: l.timers.Len(), Callbacks: l.callbacks, Contexts: l.contexts,
		OnClose: l.closers.Len(), Closed: l.state == closed,
	}
	for _, w := range l.workers {
		s.Jobs += w.running + w.waiting.Len()
	}
	for _, w := range l.fds {
		if w == nil {
			continue
		}
		s.Sockets++
		if sock, ok := w.(*Socket); ok {
			s.Waits += sock.r.waits() + sock.w.waits()
		}
	}
	return s
}

// waits returns how many tasks or callbacks wait for a direction of a socket: one or none.
func (d *direction) waits() int {
	if d.waiter != nil || d.callback != nil {
		return 1
	}
	return 0
}
