package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/process"
)

const (
	lateGrace = 5 * time.Second // between the cancel of a worker's task, after Grace, and SIGKILL
	lastWords = 2 * time.Second // for what a worker that is aborted prints, and for what others hold of its output
)

// proc is a worker's process in its parent.
type proc struct {
	s      *supervisor
	role   role
	p      *process.Process
	next   *os.File                    // to hear of its successor on; nil when that has it
	tasks  []*corolla.Future[struct{}] // that read what it says
	said   string                      // its last line on standard error
	status string
	began  time.Duration
	lasted time.Duration // from when it was ready to its end
	watch  *corolla.Timer
	ready  bool
	told   bool // to end
	ended  bool
	gone   bool   // and all that it has printed is there
	why    string // it was killed
}

// start starts a worker. Last is the end of a pair on which its predecessor, if it has one, will hand over
// connections.
func (s *supervisor) start(t *corolla.Task, r role, program *program, last *os.File) (_ *proc, err error) {
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _, _ = in.Close(), out.Close() }() // they were duplicated
	own, next, err := corolla.SocketPair()
	if err != nil {
		return nil, err
	}
	defer func() {
		if _ = own.Close(); err != nil { // the worker has it
			_ = next.Close()
		}
	}()
	names := append(append([]string{}, s.listeners.names...), channelName, nextName)
	files := append(append([]*os.File{}, s.listeners.files...), out, own)
	if last != nil {
		names, files = append(names, lastName), append(files, last)
	}
	p, err := process.Start(t, process.Command{
		Path: program.path(), Name: program.name, Args: s.Args, Env: r.environment(names),
		Stdin: process.Pipe, Stdout: process.Pipe, Stderr: process.Pipe,
		Files: files,
	})
	if err != nil {
		return nil, fmt.Errorf("worker %v: %s: %w", r, program.name, err)
	}
	q := &proc{s: s, role: r, p: p, next: next}
	said, err := s.loop.Adopt(in)
	if err != nil {
		p.Close()
		return nil, errors.Join(fmt.Errorf("worker %v: %w", r, err), p.Kill())
	}
	s.all[q] = true
	hears := func(f func(t *corolla.Task) error) { q.tasks = append(q.tasks, s.loop.Go(f)) }
	hears(func(t *corolla.Task) error { return q.hear(t, aio.NewConn(said)) })
	hears(func(t *corolla.Task) error { return q.relay(t, p.Stdout, s.Stdout, nil) })
	hears(func(t *corolla.Task) error { return q.relay(t, p.Stderr, s.Stderr, &q.said) })
	p.OnExit(q.exited)
	s.log.Info("worker started", q.attributes()...)
	return q, nil
}

func (q *proc) attributes(more ...any) []any {
	return append([]any{slog.String("worker", q.role.String()), slog.Int("pid", q.p.PID())}, more...)
}

// hear takes what a worker says of itself.
func (q *proc) hear(t *corolla.Task, c *aio.Conn) error {
	defer func() { _ = c.Close() }() // only read from
	c.SetLimit(maxTold + 1)          // it is not trusted to be short
	for line, err := range c.Lines(t) {
		if err != nil {
			return nil // it has ended, which is told otherwise
		}
		name, value, _ := strings.Cut(string(line), "=")
		switch {
		case name == "READY" && value == "1" && !q.ready:
			q.ready, q.began = true, q.s.loop.Now()
			q.s.log.Info("worker ready", q.attributes()...)
			q.alive()
			q.s.changed.Set()
		case name == "WATCHDOG" && q.ready:
			q.alive()
		case name == "STATUS" && value != q.status:
			q.status = value
			q.s.log.Info("worker status", q.attributes(slog.String("status", value))...)
		case name == "HANDED":
			q.handed(value)
		}
	}
	return nil
}

// handed logs what the worker has handed over to its successor: how many connections, how many it has kept, and
// why the last one of those.
func (q *proc) handed(text string) {
	var given, kept int
	if n, err := fmt.Sscan(text, &given, &kept); n != 2 || err != nil {
		return
	}
	more := []any{slog.Int("given", given), slog.Int("kept", kept)}
	if f := strings.SplitN(text, " ", 3); len(f) == 3 {
		more = append(more, slog.String("why", f[2]))
	}
	q.s.log.Info("worker handed over", q.attributes(more...)...)
}

// alive puts the watchdog off.
func (q *proc) alive() {
	if q.s.Watchdog <= 0 || q.ended || q.told || q.why != "" {
		return
	}
	if q.watch != nil {
		q.watch.Stop()
	}
	q.watch = q.s.loop.After(q.s.Watchdog, func() {
		why := "no sign of life within " + q.s.Watchdog.String()
		if q.status != "" {
			why += "; its status: " + q.status
		}
		q.why = why
		q.s.log.Error("worker aborted", q.attributes(slog.String("why", why))...)
		_ = q.signal(syscall.SIGABRT) // or it has just ended
		q.watch = q.s.loop.After(lastWords, func() { q.kill(why) })
	})
}

// exited is called when the process has ended. What others hold of its output is not waited for, for long.
func (q *proc) exited(err error) {
	q.ended = true
	if q.ready {
		q.lasted = q.s.loop.Now() - q.began
	}
	if q.watch != nil {
		q.watch.Stop()
	}
	_ = q.p.Stdin.Close() // or retire has
	q.left()
	cut := q.s.loop.After(lastWords, func() {
		for _, f := range q.tasks {
			f.Cancel(nil)
		}
	})
	left := len(q.tasks)
	for _, f := range q.tasks {
		f.OnDone(func(f *corolla.Future[struct{}]) {
			_, _ = f.Result() // they return none
			if left--; left == 0 {
				cut.Stop()
				q.p.Close()
				q.over(err)
			}
		})
	}
	q.s.changed.Set()
}

// over reports the end, when all that the worker has printed is there.
func (q *proc) over(err error) {
	how := "exit status 0"
	if state := q.p.State(); state != nil {
		how = state.String() // without the path, which is that of a descriptor
	} else if err != nil {
		how = err.Error()
	}
	more := []any{slog.String("status", how), slog.Bool("told", q.told)}
	if q.why != "" {
		more = append(more, slog.String("why", q.why))
	}
	level := q.s.log.Info
	if !q.told || err != nil {
		level = q.s.log.Warn
	}
	level("worker ended", q.attributes(more...)...)
	q.gone = true
	delete(q.s.all, q)
	q.s.changed.Set()
}

// signal sends the worker a signal.
func (q *proc) signal(sig os.Signal) error { return q.p.Signal(sig) }

// retire tells the worker to end: its input does.
func (q *proc) retire() {
	if q.told || q.ended {
		return
	}
	q.told = true
	q.left()
	_ = q.p.Stdin.Close() // once
	q.limit(q.s.Grace+lateGrace, "it did not end when it was retired")
}

// left leaves what the worker hands over to its successor, if it has one. While the parent held it, too, the
// worker would not hear of that one's end.
func (q *proc) left() {
	if q.next != nil {
		_ = q.next.Close()
		q.next = nil
	}
}

// abandon ends a worker that has not become ready.
func (q *proc) abandon() {
	if !q.ready {
		q.told = true
		q.kill("not needed any more")
		return
	}
	q.retire()
}

// limit kills the worker if it has not ended by then.
func (q *proc) limit(d time.Duration, why string) {
	if q.watch != nil {
		q.watch.Stop() // the watchdog's: it may be busy ending
	}
	q.watch = q.s.loop.After(d, func() { q.kill(why) })
}

// kill kills the worker.
func (q *proc) kill(why string) {
	if q.ended {
		return
	}
	if q.why == "" {
		q.why = why
	}
	_ = q.p.Kill() // or it has just ended
}

// allReady reports whether all workers are ready, or why they will not be.
func allReady(procs []*proc) (bool, error) {
	all := true
	for _, q := range procs {
		if q.gone {
			return false, fmt.Errorf("worker %v has ended before all were ready: %v%s", q.role, q.p.State(), q.words())
		}
		all = all && q.ready && !q.ended
	}
	return all, nil
}

// notReady says which workers were not ready in time.
func notReady(procs []*proc, within time.Duration) error {
	var late []error
	for _, q := range procs {
		if !q.ready {
			late = append(late, fmt.Errorf("worker %v was not ready within %v%s", q.role, within, q.words()))
		}
	}
	return errors.Join(late...)
}

// words returns the last that a worker has said.
func (q *proc) words() string {
	switch {
	case q.said != "":
		return ": " + q.said
	case q.status != "":
		return ": " + q.status
	}
	return ""
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
