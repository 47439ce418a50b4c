package simtest

import (
	"cmp"
	"slices"
	"time"

	"github.com/corolla-go/corolla/sim"
)

// taskLine is what a task of a host did last.
type taskLine struct {
	Host, Task, Now string
	Since           time.Duration
	Before          []sim.Event // what it did before that
}

// maxBefore is how much of what a task did before a page shows.
const maxBefore = 6

// taskLines returns the tasks that had not ended when the run did, by host.
func taskLines(events []sim.Event) []*taskLine {
	type key struct{ host, task string }
	lines := map[key]*taskLine{}
	last := map[key]sim.Event{}
	for _, e := range events {
		k := key{e.Host, e.Task}
		switch {
		case e.Kind == sim.Crashed: // so nothing of its tasks is left
			for k := range lines {
				if k.host == e.Host {
					delete(lines, k)
				}
			}
		case e.Kind != sim.TaskIs:
		case e.Text == "ended":
			delete(lines, k)
		case lines[k] == nil:
			lines[k] = &taskLine{Host: e.Host, Task: e.Task, Now: e.Text, Since: e.Time}
			last[k] = e
		default:
			l := lines[k]
			l.Before = append(l.Before, last[k])
			l.Before = l.Before[max(len(l.Before)-maxBefore, 0):]
			l.Now, l.Since, last[k] = e.Text, e.Time, e
		}
	}
	list := make([]*taskLine, 0, len(lines))
	for _, l := range lines {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *taskLine) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Task, b.Task))
	})
	return list
}
