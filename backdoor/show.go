package backdoor

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
)

// What the commands answer. Each answer has a type, whose fields are its JSON form.

type helpAnswer struct {
	Commands []helpRow `json:"commands"`
}

type helpRow struct {
	Usage string `json:"usage"`
	What  string `json:"what"`
}

func (r helpRow) cells() []string { return []string{r.Usage, r.What} }

func (c *call) help() answer {
	var h helpAnswer
	for _, k := range commands() {
		h.Commands = append(h.Commands, helpRow{usage(k), k.what})
	}
	return h
}

func (h helpAnswer) text(w *bytes.Buffer) {
	table(w, 0, nil, h.Commands)
	w.WriteString("After any of them, --json asks for an answer in JSON, on one line.\n")
}

type tasksAnswer struct {
	Tasks []taskRow `json:"tasks"`
	Total int       `json:"total"`
	call  *call
}

type taskRow struct {
	Task      int     `json:"task"`
	Name      string  `json:"name"`
	Function  string  `json:"function"` // and its place in the source
	For       string  `json:"for"`
	State     string  `json:"state"` // "running", "ready" or "parked"
	On        string  `json:"on"`
	WaitingMS float64 `json:"waiting_ms"`

	waiting time.Duration
}

func (c *call) taskRow(i corolla.TaskInfo, number func(*corolla.Task) int) taskRow {
	r := taskRow{Task: number(i.Task), Name: i.Name, Function: i.Started, State: "ready", On: i.On}
	if i.About != nil {
		r.For = i.About.String()
	}
	switch {
	case i.Task == c.task:
		r.State = "running"
	case i.On != "":
		r.State = "parked"
		r.waiting = c.loop.Now() - i.Since
		r.WaitingMS = ms(r.waiting)
	}
	return r
}

func (r taskRow) cells() []string {
	function, _, _ := strings.Cut(r.Function, " (") // only task N shows the place
	return []string{strconv.Itoa(r.Task), r.Name, function, r.For, r.state()}
}

func (r taskRow) state() string {
	if r.State == "parked" {
		return r.On + ", " + span(r.waiting)
	}
	return r.State
}

func (c *call) listTasks() answer {
	l := list(c, c.loop.Tasks(), c.taskRow)
	return tasksAnswer{l.rows, l.total, c}
}

func (a tasksAnswer) text(w *bytes.Buffer) {
	listing[taskRow]{a.Tasks, a.Total}.text(w, a.call, "tasks", "TASK", "NAME", "FUNCTION", "FOR", "STATE")
}

func (c *call) describe() answer {
	t, failed := c.given()
	if failed != nil {
		return failed
	}
	return c.taskRow(t.Info(), c.number)
}

// text is the answer of task N.
func (r taskRow) text(w *bytes.Buffer) {
	table(w, 0, nil, []fact{
		{"task", strconv.Itoa(r.Task)}, {"name", r.Name}, {"function", r.Function}, {"for", r.For}, {"state", r.state()},
	})
}

type stackAnswer struct {
	Task  int        `json:"task"`
	Calls []stackRow `json:"calls"`
}

type stackRow struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

func (r stackRow) cells() []string {
	name := r.Function[strings.LastIndexByte(r.Function, '/')+1:]
	dir, file := filepath.Split(r.File)
	return []string{name, filepath.Join(filepath.Base(dir), file) + ":" + strconv.Itoa(r.Line)}
}

func (c *call) stack() answer {
	t, failed := c.given()
	if failed != nil {
		return failed
	}
	a := stackAnswer{Task: c.number(t)}
	for _, f := range t.Info().Stack() {
		a.Calls = append(a.Calls, stackRow{f.Function, f.File, f.Line})
	}
	if a.Calls == nil {
		return failf("the stack of task %d cannot be seen: it has not begun, or waits for one that it runs", a.Task)
	}
	return a
}

func (a stackAnswer) text(w *bytes.Buffer) { table(w, 0, nil, a.Calls) }

type timersAnswer struct {
	Timers []timerRow `json:"timers"`
	Total  int        `json:"total"`
	call   *call
}

type timerRow struct {
	InMS float64 `json:"in_ms"`
	What string  `json:"what"`
	Task int     `json:"task,omitempty"`

	in time.Duration
}

func (r timerRow) cells() []string {
	what := r.What
	if r.Task != 0 {
		what += fmt.Sprintf(" of task %d", r.Task)
	}
	return []string{span(r.in), what}
}

func (c *call) listTimers() answer {
	now := c.loop.Now()
	l := list(c, c.loop.Timers(), func(i corolla.TimerInfo, number func(*corolla.Task) int) timerRow {
		in := max(i.When-now, 0)
		return timerRow{ms(in), i.What, number(i.Task), in}
	})
	return timersAnswer{l.rows, l.total, c}
}

func (a timersAnswer) text(w *bytes.Buffer) {
	listing[timerRow]{a.Timers, a.Total}.text(w, a.call, "timers", "IN", "WHAT")
}

type socketsAnswer struct {
	Sockets []socketRow `json:"sockets"`
	Total   int         `json:"total"`
	call    *call
}

type socketRow struct {
	FD         int    `json:"fd"`
	Network    string `json:"network"` // "watched" for a descriptor that is not a socket
	Local      string `json:"local"`
	Peer       string `json:"peer"`
	Unsent     int    `json:"unsent"`
	Reader     int    `json:"reader,omitempty"` // tasks
	Writer     int    `json:"writer,omitempty"`
	OnReadable string `json:"on_readable,omitempty"`
	OnWritable string `json:"on_writable,omitempty"`
}

func (r socketRow) cells() []string {
	return []string{
		strconv.Itoa(r.FD), r.Network, r.Local, r.Peer, strconv.Itoa(r.Unsent),
		user(r.Reader, r.OnReadable), user(r.Writer, r.OnWritable),
	}
}

// user names the task that waits for a direction of a socket, or the function that is called.
func user(task int, called string) string {
	if task != 0 {
		return fmt.Sprintf("task %d", task)
	}
	name, _, _ := strings.Cut(called, " (")
	return name
}

func (c *call) listSockets() answer {
	l := list(c, c.loop.Sockets(), func(i corolla.SocketInfo, number func(*corolla.Task) int) socketRow {
		r := socketRow{
			FD: i.FD, Network: "watched", Local: address(i.Local), Peer: address(i.Peer), Unsent: i.Unsent,
			Reader: number(i.Reader), Writer: number(i.Writer), OnReadable: i.OnReadable, OnWritable: i.OnWritable,
		}
		if i.Socket != nil {
			r.Network = i.Socket.Network()
		}
		return r
	})
	return socketsAnswer{l.rows, l.total, c}
}

func (a socketsAnswer) text(w *bytes.Buffer) {
	listing[socketRow]{a.Sockets, a.Total}.text(w, a.call, "sockets",
		"FD", "NETWORK", "LOCAL", "PEER", "UNSENT", "READ BY", "WRITTEN BY")
}

func address(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

type jobsAnswer struct {
	Workers []jobsRow `json:"workers"`
}

type jobsRow struct {
	Name    string `json:"name"`
	Running int    `json:"running"`
	Waiting int    `json:"waiting"`
	Limit   int    `json:"limit"`
}

func (r jobsRow) cells() []string {
	name := r.Name
	if name == "" {
		name = "(Offload)"
	}
	return []string{name, strconv.Itoa(r.Running), strconv.Itoa(r.Waiting), strconv.Itoa(r.Limit)}
}

func (c *call) listJobs() answer {
	a := jobsAnswer{[]jobsRow{}}
	for _, i := range c.loop.AllWorkers() {
		a.Workers = append(a.Workers, jobsRow{i.Name, i.Running, i.Waiting, i.Limit})
	}
	return a
}

func (a jobsAnswer) text(w *bytes.Buffer) {
	if len(a.Workers) == 0 {
		w.WriteString("no workers: nothing was ever offloaded\n")
		return
	}
	table(w, maxCell, []string{"WORKERS", "RUNNING", "WAITING", "LIMIT"}, a.Workers)
}

type loopAnswer struct {
	ClockMS   float64 `json:"clock_ms"`
	Tasks     int     `json:"tasks"`
	Timers    int     `json:"timers"`
	Sockets   int     `json:"sockets"`
	Waits     int     `json:"waits"`
	Callbacks int     `json:"callbacks"`
	Contexts  int     `json:"contexts"`
	OnClose   int     `json:"on_close"`
	Jobs      int     `json:"jobs"`
	MeanMS    float64 `json:"turn_mean_ms"`
	LongestMS float64 `json:"turn_longest_ms"`

	clock, mean, longest time.Duration
}

// turns is how many turns of the loop are timed.
const turns = 10

// describeLoop counts, and then lets a few turns pass. None of them waits, since the console has
// something to do in each: the time they take is that of callbacks, tasks and the system.
func (c *call) describeLoop() answer {
	s := c.loop.Stats()
	a := loopAnswer{
		Tasks: s.Tasks, Timers: s.Timers, Sockets: s.Sockets, Waits: s.Waits, Callbacks: s.Callbacks,
		Contexts: s.Contexts, OnClose: s.OnClose, Jobs: s.Jobs,
		clock: c.loop.Now(),
	}
	last := a.clock
	for range turns {
		if err := c.task.Yield(); err != nil {
			return failf("%v", err)
		}
		now := c.loop.Now()
		a.longest = max(a.longest, now-last)
		last = now
	}
	a.mean = (last - a.clock) / turns
	a.ClockMS, a.MeanMS, a.LongestMS = ms(a.clock), ms(a.mean), ms(a.longest)
	return a
}

func (a loopAnswer) text(w *bytes.Buffer) {
	rows := []fact{{"clock", span(a.clock)}}
	for _, n := range []struct {
		what  string
		count int
	}{
		{"tasks", a.Tasks},
		{"timers", a.Timers},
		{"sockets", a.Sockets},
		{"waits", a.Waits},
		{"callbacks", a.Callbacks},
		{"contexts", a.Contexts},
		{"on close", a.OnClose},
		{"jobs", a.Jobs},
	} {
		rows = append(rows, fact{n.what, strconv.Itoa(n.count)})
	}
	took := fmt.Sprintf("the next %d took %s at most, %s on average", turns, span(a.longest), span(a.mean))
	if a.longest == 0 { // Loop.Now moves in steps of some microseconds
		took = fmt.Sprintf("the next %d were too short for the loop's clock", turns)
	}
	table(w, 0, nil, append(rows, fact{"turns", took}))
}

type killAnswer struct {
	Task   int  `json:"task"`
	Killed bool `json:"killed"`
}

func (c *call) kill() answer {
	t, failed := c.given()
	switch {
	case failed != nil:
		return failed
	case t == c.task:
		return failf("task %d is this console; quit ends it", c.number(t))
	}
	return killAnswer{c.number(t), t.Cancel(ErrKilled)}
}

func (a killAnswer) text(w *bytes.Buffer) {
	if a.Killed {
		fmt.Fprintf(w, "task %d is canceled, and ends where it waits\n", a.Task)
	} else {
		fmt.Fprintf(w, "task %d was canceled before, and has not ended yet\n", a.Task)
	}
}
