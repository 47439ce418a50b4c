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
	infos := make([]TaskInfo, 0, l.tasks.n)
	for t := l.tasks.first; t != nil; t = t.next {
		infos = append(infos, t.info())
	}
	return infos
}

// Current returns the task that is running, or nil in a callback.
func (l *Loop) Current() *Task {
	l.check("Current")
	return l.current
}

func (t *Task) info() TaskInfo {
	i := TaskInfo{Task: t, Name: t.name, Started: t.Started()}
	if t.phase == parked {
		i.On, i.Since = fmt.Sprint(t.on), t.since
	}
	return i
}

// taskList is the list of a loop's tasks, in the order in which they were started.
type taskList struct {
	first, last *Task
	n           int
}

func (q *taskList) add(t *Task) {
	if t.prev = q.last; q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
	q.n++
}

func (q *taskList) remove(t *Task) {
	if t.prev == nil {
		q.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		q.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.next, t.prev = nil, nil
	q.n--
}
