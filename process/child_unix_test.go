//go:build unix

package process_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/process"
)

func TestExitStatusAndSignalAreToldApart(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		var exit *process.ExitError
		_, _, err := process.Run(task, sh("exit 143"), nil)
		if !errors.As(err, &exit) || exit.Code() != 143 {
			t.Errorf("exit status: %v", err)
		}
		if sig, ok := exit.Signal(); ok {
			t.Errorf("exit status 143 is no signal, got %v", sig)
		}
		_, _, err = process.Run(task, sh("kill -TERM $$"), nil)
		if !errors.As(err, &exit) || exit.Code() != -1 {
			t.Errorf("signal: %v", err)
		}
		if sig, ok := exit.Signal(); !ok || sig != syscall.SIGTERM {
			t.Errorf("signal: %v", sig)
		}
	})
}

func TestCancelKillsTheWholeGroup(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		p, grandchild := family(t, task, process.Command{Group: true})
		defer p.Close()
		err := task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		if p.State() == nil {
			t.Error("Wait did not wait for what it killed")
		}
		gone(t, task, grandchild)
	})
}

func TestGroupIsKilledWhenItsLeaderHasGone(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		// The one that was started ends at once; what it has started keeps the output open.
		mark := filepath.Join(t.TempDir(), "pids")
		cmd := sh("sleep 1000 & echo $$ $! >" + mark + "; exit 0")
		cmd.Group = true
		runs := task.Loop().Go(func(task *corolla.Task) error { _, _, err := process.Run(task, cmd, nil); return err })
		var leader, pid int
		if _, err := fmt.Sscan(line(t, task, mark), &leader, &pid); err != nil {
			t.Fatal(err)
		}
		gone(t, task, leader)
		runs.Cancel(nil)
		if _, err := runs.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Run: %v", err)
		}
		gone(t, task, pid)
	})
}

// One of a group that ignores SIGTERM is killed when the leader, which does not, has ended.
func TestRestOfAGroupIsKilledWhenItsLeaderHasEnded(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		cmd := sh("(trap '' TERM; echo x; exec sleep 1000) & echo $!; wait")
		cmd.Group, cmd.Grace, cmd.Stdout = true, time.Hour, process.Pipe
		p, err := process.Start(task, cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		pid := 0
		for range 2 { // in whichever order

			line, err := p.Stdout.ReadUntil(task, []byte("\n"))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := strconv.Atoi(strings.TrimSpace(string(line))); err == nil {
				pid = n
			}
		}
		err = task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		gone(t, task, pid)
	})
}

func TestClosingTheLoopWhileProcessesStart(t *testing.T) {
	for i := range 20 {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		mark := filepath.Join(t.TempDir(), "pid")
		if err := l.Run(func(task *corolla.Task) error {
			cmd := sh("echo $$ >" + mark + "; exec sleep 1000")
			cmd.Stdin, cmd.Stdout = process.Pipe, process.Pipe
			l.Go(func(task *corolla.Task) error { _, err := process.Start(task, cmd); return err })
			for range i {
				if err := task.Yield(); err != nil {
					return err
				}
			}
			l.Stop()
			return task.Yield()
		}); err != nil && !errors.Is(err, corolla.ErrLoopStopped) {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		onLoop(t, func(t *testing.T, task *corolla.Task) {
			slept := task.Sleep(10 * time.Millisecond)
			text, err := os.ReadFile(mark)
			if slept != nil || err != nil || len(text) == 0 {
				return // it was killed before it could say its number
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			gone(t, task, pid)
		})
	}
}

func TestCancelKillsTheProcessAlone(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		p, grandchild := family(t, task, process.Command{})
		defer p.Close()
		err := task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		if !alive(t, grandchild) {
			t.Error("what it had started is gone too")
		}
		if err := syscall.Kill(grandchild, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
}

func TestGrace(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for want, c := range map[string]struct {
			script string
			grace  time.Duration
		}{
			"sh: exit status 7":           {"trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done", time.Hour},
			"sh: ended by signal: killed": {"trap '' TERM; echo ready; while :; do sleep 0.01; done", 10 * time.Millisecond},
		} {
			cmd := sh(c.script)
			cmd.Stdout, cmd.Grace = process.Pipe, c.grace
			p, err := process.Start(task, cmd)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Stdout.ReadUntil(task, []byte("\n")); err != nil {
				t.Error(err)
			}
			err = task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Wait: %v", err)
			}
			if err := p.Wait(task); err == nil || err.Error() != want {
				t.Errorf("ended with %v, want %s", err, want)
			}
			p.Close()
		}
	})
}

func TestClosingTheLoopKills(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	pid := 0
	if err := l.Run(func(task *corolla.Task) error {
		p, err := process.Start(task, process.Command{Path: "sleep", Args: []string{"1000"}})
		if err == nil {
			pid = p.PID()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !alive(t, pid) {
		t.Error("it is gone before")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if alive(t, pid) {
		t.Error("something of it is left")
	}
}

// A process that has ended is forgotten: a signal later, from a timer or when the loop is closed,
// could be for another that has its number by then.
func TestNothingIsLeftOfAProcessThatHasEnded(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		before := held(task)
		cmd := sh("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
		cmd.Stdout, cmd.Grace = process.Pipe, time.Hour
		p, err := process.Start(task, cmd)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Stdout.ReadUntil(task, []byte("\n")); err != nil {
			t.Error(err)
		}
		l := task.Loop()
		var waiting []*corolla.Future[struct{}]
		for range 2 {
			waiting = append(waiting, l.Go(p.Wait, corolla.Eager()))
		}
		for _, f := range waiting { // each makes the process end
			f.Cancel(nil)
		}
		for _, f := range waiting {
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Wait: %v", err)
			}
		}
		if code := p.State().ExitCode(); code != 7 {
			t.Errorf("exit status %d", code)
		}
		p.Close()
		if after := held(task); after != before {
			t.Errorf("left on the loop: %+v, before %+v", after, before)
		}
	})
}

func TestSignalOfAProcessThatHasEnded(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for _, group := range []bool{false, true} {
			cmd := process.Command{Path: "true", Group: group}
			p, err := process.Start(task, cmd)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(task); err != nil {
				t.Error(err)
			}
			for _, sig := range []os.Signal{syscall.SIGTERM, os.Kill} {
				if err := p.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
					t.Errorf("group %v: %v: %v", group, sig, err)
				}
			}
		}
	})
}

// Closing the loop ends all of a group, not only the process that was started.
func TestClosingTheLoopKillsTheWholeGroup(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	grandchild := 0
	if err := l.Run(func(task *corolla.Task) error {
		var p *process.Process
		p, grandchild = family(t, task, process.Command{Group: true})
		p.Close()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	onLoop(t, func(t *testing.T, task *corolla.Task) { gone(t, task, grandchild) })
}
