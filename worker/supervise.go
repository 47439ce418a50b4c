package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/process"
)

// settled is how long a worker must have been ready so that its end is not one of a row.
const settled = 10 * time.Second

// supervisor is a pool in its parent. All its tasks wait for one event, which says that some process has become
// ready or ended, or is not needed any more, and look at what they wait for.
type supervisor struct {
	Pool
	loop       *corolla.Loop
	log        *slog.Logger
	listeners  listeners
	systemd    *manager
	program    *program // of the present generation
	generation int
	current    []*proc        // the worker that each number has
	all        map[*proc]bool // processes that have not ended, or whose output has not
	changed    corolla.Event
}

// supervise runs a pool.
func supervise(t *corolla.Task, pool Pool) (err error) {
	s := &supervisor{Pool: pool, loop: t.Loop(), log: pool.Log, all: map[*proc]bool{}}
	s.loop.Workers(outputJobs).SetLimit(1)
	if s.Program == "" {
		if s.Program, err = programPath(); err != nil {
			return fmt.Errorf("worker: which program this is: %w", err)
		}
	}
	if s.program, err = openProgram(s.Program); err != nil {
		return err
	}
	defer func() { s.program.close() }() // by then another one, perhaps
	if err := s.listen(); err != nil {
		return err
	}
	defer s.listeners.close()
	if s.systemd, err = newManager(s.loop); err != nil {
		return err
	}
	defer s.systemd.close()
	if os.Getpid() == 1 {
		defer process.ReapOrphans(s.loop)()
	}
	if len(s.Forward) > 0 {
		defer s.loop.OnSignal(s.forward, s.Forward...)()
	}
	err = s.serve(t)
	s.systemd.tell("STOPPING=1")
	e := t.Shielded(s.stop)
	if c := t.Scope().Canceled(); c != nil && corolla.IsOnly(err, corolla.ErrCanceled) {
		err = nil // it was told to end
	}
	return errors.Join(err, e)
}

func (s *supervisor) forward(sig os.Signal) {
	for q := range s.all {
		_ = q.signal(sig) // or it has just ended
	}
}

// serve starts the workers, and keeps them, until t is canceled.
func (s *supervisor) serve(t *corolla.Task) error {
	hangups := s.loop.Signals(syscall.SIGHUP)
	defer hangups.Stop()
	procs, err := s.launch(t, 0, s.program)
	if err != nil {
		return fmt.Errorf("worker: not started: %w", err)
	}
	s.current = procs
	s.systemd.tell("READY=1\nSTATUS=" + s.status())
	return t.Group(func(g *corolla.Group) error {
		for i := range s.current {
			g.Go(func(t *corolla.Task) error { return s.keep(t, i) })
		}
		g.Go(s.systemd.beat)
		for {
			if _, err := hangups.Wait(t); err != nil {
				return err
			}
			if err := s.reload(t); err != nil {
				return err
			}
		}
	})
}

func (s *supervisor) status() string {
	return fmt.Sprintf("%d workers of generation %d", len(s.current), s.generation)
}

// launch starts a generation, and waits until all its workers are ready. If one does not become that, it ends
// them all.
func (s *supervisor) launch(t *corolla.Task, generation int, program *program) (procs []*proc, err error) {
	err = t.Timeout(s.ReadyTimeout, func(*corolla.Scope) error {
		for i := range s.Workers {
			var last *os.File
			if i < len(s.current) {
				last = s.current[i].next
			}
			q, err := s.start(t, role{i + 1, generation, s.Grace, s.Watchdog}, program, last)
			if err != nil {
				return err
			}
			procs = append(procs, q)
		}
		return s.await(t, func() (bool, error) { return allReady(procs) })
	})
	if err == nil {
		return procs, nil
	}
	var late *corolla.TimeoutError
	if errors.As(err, &late) {
		err = notReady(procs, s.ReadyTimeout)
	}
	for _, q := range procs {
		q.abandon()
	}
	return nil, err
}

// await waits until a condition is met.
func (s *supervisor) await(t *corolla.Task, met func() (bool, error)) error {
	for {
		if ok, err := met(); ok || err != nil {
			return err
		}
		s.changed.Clear()
		if err := s.changed.Wait(t); err != nil {
			return err
		}
	}
}

// reload replaces the workers by new ones, unless those do not become ready. It returns an error only if t is
// canceled.
func (s *supervisor) reload(t *corolla.Task) error {
	s.systemd.tell("RELOADING=1")
	if err := s.await(t, func() (bool, error) { return !s.retiring(), nil }); err != nil {
		return err
	}
	s.log.Info("reloading", slog.Int("generation", s.generation+1), slog.String("program", s.Program))
	next, err := openProgram(s.Program)
	var procs []*proc
	if err == nil {
		procs, err = s.launch(t, s.generation+1, next)
	}
	if err != nil {
		next.close()
		if c := t.Err(); c != nil {
			return err
		}
		s.log.Error("the new workers do not become ready; the old ones go on", slog.Int("generation", s.generation+1), slog.Any("err", err))
		s.systemd.tell("READY=1\nSTATUS=" + s.status() + "; the last reload has failed: " + oneLine(err.Error()))
		return nil
	}
	old := s.current
	s.current, s.generation = procs, s.generation+1
	s.program.close()
	s.program = next
	for _, q := range old {
		q.retire()
	}
	s.changed.Set() // for those that keep the old ones
	s.log.Info("reloaded", slog.Int("generation", s.generation))
	s.systemd.tell("READY=1\nSTATUS=" + s.status())
	return nil
}

// retiring reports whether there are processes that were told to end.
func (s *supervisor) retiring() bool {
	for q := range s.all {
		if q.told && !q.ended {
			return true
		}
	}
	return false
}

// keep starts the worker of a number again whenever it has ended.
func (s *supervisor) keep(t *corolla.Task, i int) error {
	failed := 0
	for last := (*proc)(nil); ; {
		q := s.current[i]
		if err := s.await(t, func() (bool, error) { return q.ended || q != s.current[i], nil }); err != nil {
			return err
		}
		if q != s.current[i] { // a reload has replaced it
			failed = 0
			continue
		}
		if failed++; q.lasted >= settled && q != last {
			failed = 0 // but not again when its successor cannot be started
		}
		if last = q; failed > 0 {
			wait := s.Backoff(failed)
			s.log.Warn("a worker is started again", slog.String("worker", q.role.String()), slog.Int("failed", failed), slog.Duration("after", wait))
			if err := t.Sleep(wait); err != nil {
				return err
			}
		}
		if q != s.current[i] {
			continue
		}
		if err := s.replace(t, i); err != nil && t.Err() != nil {
			return err
		}
	}
}

// replace starts one worker, and ends it if it does not become ready.
func (s *supervisor) replace(t *corolla.Task, i int) error {
	generation := s.generation
	q, err := s.start(t, role{i + 1, generation, s.Grace, s.Watchdog}, s.program, nil)
	if err != nil {
		s.log.Error("a worker cannot be started", slog.Int("number", i+1), slog.Any("err", err))
		return err
	}
	if generation != s.generation { // while it was started
		q.retire()
		return nil
	}
	s.current[i] = q
	err = t.Timeout(s.ReadyTimeout, func(*corolla.Scope) error {
		return s.await(t, func() (bool, error) { return q.ready || q.ended || q.told, nil })
	})
	if err != nil && t.Err() == nil {
		q.kill("it was not ready within " + s.ReadyTimeout.String())
	}
	return err
}

// stop retires all workers and waits for them.
func (s *supervisor) stop(*corolla.Scope) error {
	for q := range s.all {
		q.abandon()
	}
	return s.await(s.loop.Current(), func() (bool, error) { return len(s.all) == 0, nil })
}
