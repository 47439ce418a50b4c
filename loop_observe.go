package corolla

import (
	"fmt"
	"time"
)

// TaskInfo describes a task that has not ended.
type TaskInfo struct {
	Task    *Task
	Name    string
	Started string        // the body's function, and its place
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
		infos = append(infos, k.Value.info())
	}
	return infos
}

// Current returns the task that is running, or nil in a callback.
func (l *Loop) Current() *Task {
	l.check("Current")
	return l.current
}

func (t *Task) info() TaskInfo {
	i := TaskInfo{Task: t, Name: t.Name(), Started: t.Started()}
	if t.phase == parked {
		i.On, i.Since = fmt.Sprint(t.on), t.since
	}
	return i
}

// LoopStats says what a loop holds. Where nothing is under way every number is 0: a number that
// grows and grows is a leak.
type LoopStats struct {
	Tasks     int // that have not ended
	Timers    int // that are set: callbacks, sleeps and deadlines
	Sockets   int // that are open, and descriptors that are watched
	Waits     int // of tasks and callbacks for a socket
	Callbacks int // of futures that are not settled
	Contexts  int // that tasks are attached to
	OnClose   int // callbacks for the end of the loop
	Jobs      int // that run elsewhere, or wait to
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

// waits returns how many wait for a direction of a socket: one or none.
func (d *direction) waits() int {
	if d.waiter != nil || d.callback != nil {
		return 1
	}
	return 0
}
